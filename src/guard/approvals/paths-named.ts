import { opendirSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';

export interface Naming {
  /** Where the call works. */
  folder: string;
  home: string;
  /** A shell's text: it may change its folder, and what stands outside of quotes may be a pattern. */
  isCommand: boolean;
}

/**
 * Every path that a text may mean: each of its words, and what stands in quotes, from every folder it changes to. `undefined` where
 * those are more than can be looked at, since what is left out could be exchanged unseen.
 */
export function pathsNamed(text: string, { folder, home, isCommand }: Naming): string[] | undefined {
  const found = new Found();
  const folders = isCommand ? foldersOf(text, folder, home, found) : [folder];
  const names = namesIn(text).map((name) => atHome(name, home));
  const patterns = isCommand ? patternsIn(text).map((pattern) => atHome(pattern, home)) : [];
  for (const from of folders) {
    for (const name of names) found.add(resolve(from, name));
    for (const pattern of patterns) for (const path of found.expand(resolve(from, pattern))) found.add(path);
  }
  return found.tooMany ? undefined : [...found.paths];
}

/** Where the text may be when it names a file: it may or may not have changed its folder each time it says so. */
function foldersOf(text: string, folder: string, home: string, found: Found): ReadonlySet<string> {
  const folders = new Set([folder]);
  for (const [, said = '~'] of text.matchAll(CHANGES_FOLDER)) {
    const target = atHome(said.replace(/["']/g, ''), home);
    for (const from of [...folders]) {
      const to = resolve(from, target);
      for (const one of PATTERN.test(target) ? found.expand(to) : [to]) folders.add(one);
      if (folders.size <= MOST_FOLDERS) continue;
      found.tooMany = true;
      return folders;
    }
  }
  return folders;
}

/** What was found, within a bound of looks at the disk: each is one in the daemon's one thread. */
class Found {
  readonly paths = new Set<string>();
  readonly #listed = new Map<string, string[]>();
  #looks = MOST_LOOKS;
  tooMany = false;

  add(path: string): void {
    if (this.paths.has(path)) return;
    if (this.#look()) this.paths.add(path);
  }

  /** Of a pattern's segment, all that begins as it does: more than it means, and never less. */
  expand(pattern: string): string[] {
    let paths: string[] = [sep];
    for (const segment of pattern.split(sep).filter((one) => one !== '')) {
      const [begin = '', ...rest] = segment.split(PATTERN);
      paths = paths.flatMap((path) =>
        rest.length === 0
          ? [join(path, segment)]
          : this.#list(path).flatMap((name) =>
              name.startsWith(begin) && this.#look() ? [join(path, name)] : [],
            ),
      );
      if (this.tooMany) return [];
    }
    return paths;
  }

  #list(folder: string): string[] {
    const known = this.#listed.get(folder);
    if (known !== undefined) return known;
    const names: string[] = [];
    this.#listed.set(folder, names);
    try {
      const opened = opendirSync(folder);
      try {
        for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
          if (!this.#look()) break;
          names.push(entry.name);
        }
      } finally {
        opened.closeSync();
      }
    } catch {
      // What is no folder, or may not be listed, has no names to a shell either.
    }
    return names;
  }

  #look(): boolean {
    this.#looks -= 1;
    if (this.#looks < 0) this.tooMany = true;
    return !this.tooMany;
  }
}

function namesIn(text: string): string[] {
  const quoted = [...text.matchAll(QUOTED)].map(([, double, single]) => double ?? single ?? '');
  const names = [...quoted, ...wordsIn(text)].filter((name) => name !== '' && name.length < MOST_NAME_UNITS);
  return [...new Set(names)];
}

function patternsIn(text: string): string[] {
  return wordsIn(text.replace(QUOTED, ' ')).filter((word) => PATTERN.test(word));
}

/** As a shell parts them. In JSON a line's end is two letters. */
function wordsIn(text: string): string[] {
  return text.split(/[\s'"`;|&()<>{},=]+/).map((word) => word.replace(/\\n$/, ''));
}

function atHome(name: string, home: string): string {
  return name.replace(HOME, () => home).replace(HERE, '.');
}

const QUOTED = /"([^"\n]*)"|'([^'\n]*)'/g;
const PATTERN = /[*?[]/;
/** `cd` alone leads home. */
const CHANGES_FOLDER =
  /(?:\b(?:cd|pushd)(?:[ \t]+-[A-Za-z-]*)*(?=[\s;&|)]|$)|\s(?:-C|--directory|--prefix|--cwd)(?=[\s=]))(?:[ \t=]+("[^"\n]*"|'[^'\n]*'|[^\s;&|()<>]+))?/g;
const HOME = /^(?:~|\$HOME|\$\{HOME\})(?=\/|$)/;
const HERE = /^(?:\$PWD|\$\{PWD\})(?=\/|$)/;
const MOST_NAME_UNITS = 1_000;
const MOST_FOLDERS = 64;
/** About 3 µs each. A call that is shown has at most some 5,000 words. */
const MOST_LOOKS = 20_000;
