import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Ask } from './judge-call.ts';

/**
 * A hash of what an answer is bound to: the call itself, the folder it would work in as it is on disk, and the content of every
 * file that it names. Taken when the owner is asked and again before the call runs: what changed in between was not allowed.
 */
export function subjectOf(ask: Ask, workspace: string, home: string): string {
  const folder = resolve(workspace, ask.workdir);
  const files = filesNamed(ask.names, folder, home);
  const facts = [ask.tool, ask.what, ask.opens, ask.shell, realOf(folder), files];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/** Each as whatever the text may mean by it: from every folder it changes to, from the home, as a pattern. */
function filesNamed(text: string, folder: string, home: string): (string | null)[][] {
  const budget = { bytes: MOST_BYTES };
  const names = namesIn(text).map((name) => name.replace(HOME, `${home}/`).replace(HERE, './'));
  const folders = [folder];
  for (const [, target = ''] of text.matchAll(CHANGES_FOLDER)) {
    const name = target.replace(/["']/g, '').replace(HOME, `${home}/`);
    for (const from of [...folders]) if (folders.length < MOST_FOLDERS) folders.push(resolve(from, name));
  }
  const paths = new Set(folders.flatMap((from) => names.flatMap((name) => meant(resolve(from, name)))));
  return [...paths].slice(0, MOST_PATHS).flatMap((path) => {
    const content = contentOf(path, budget);
    return content === undefined ? [] : [[path, realOf(path), content]];
  });
}

/** Words as a shell parts them, and what stands in quotes as one; a path may be any of them. */
function namesIn(text: string): string[] {
  const quoted = [...text.matchAll(/"([^"\n]+)"|'([^'\n]+)'/g)].map(
    ([, double, single]) => double ?? single ?? '',
  );
  const words = text.split(/[\s'"`;|&()<>{},=]+/).map((word) => word.replace(/\\n$/, ''));
  return [...new Set([...quoted, ...words])].filter((name) => name !== '' && name.length < MOST_NAME_UNITS);
}

/** Of a pattern in the last segment, all that begins as it does: more than it means, and never less. */
function meant(path: string): string[] {
  const [begin = '', ...pattern] = basename(path).split(/[*?[]/);
  if (pattern.length === 0) return [path];
  try {
    const folder = dirname(path);
    return readdirSync(folder).flatMap((name) => (name.startsWith(begin) ? [join(folder, name)] : []));
  } catch {
    return [path];
  }
}

/**
 * A hash of a file's content, or what else is known of it once enough was read; `undefined` where there is no file. A file
 * that says it is empty is not opened: those of /proc may wait for ever. Its owner cannot set a `ctime`.
 */
function contentOf(path: string, budget: { bytes: number }): string | undefined {
  try {
    const stats = statSync(path, { bigint: true });
    if (!stats.isFile()) return undefined;
    const bytes = Number(stats.size);
    if (bytes === 0) return 'empty';
    if (bytes > budget.bytes) return `${stats.size} ${stats.ctimeNs} ${stats.dev}:${stats.ino}`;
    budget.bytes -= bytes;
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return undefined;
  }
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return isLink(path) ? 'a link to nothing' : null;
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

const CHANGES_FOLDER = /(?:\bcd|\bpushd|\s-C)\s+("[^"\n]+"|'[^'\n]+'|[^\s;&|()]+)/g;
const HOME = /^(?:~|\$HOME|\$\{HOME\})\//;
const HERE = /^(?:\$PWD|\$\{PWD\})\//;
const MOST_NAME_UNITS = 1_000;
const MOST_FOLDERS = 8;
/** More than a call that is shown can name from one folder; each is a look at the disk in the daemon's one thread. */
const MOST_PATHS = 8_000;
/** Of all files of one call together. */
const MOST_BYTES = 16_777_216;
