import { type Dirent, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isInside, realAsFarAsThere, statsOf } from './paths.ts';
import { smallText } from './small-text.ts';

export interface FoundRepositories {
  /** Each `.git`, folder or file. */
  found: string[];
  /** False where there are more folders than are looked into. */
  all: boolean;
}

/**
 * Every `.git` of a folder and of the folders in it, `DEPTH` levels deep, and those that its own repository names, at any depth:
 * submodules and worktrees. `known` are those of earlier looks, which stay as long as they exist: a run must not have one forgotten
 * by making folders without number. For the same reason the oldest folders come first where there are too many; when a
 * folder was made is the one date that nobody can set.
 */
export function findRepositories(root: string, known: readonly string[] = []): FoundRepositories {
  const there = (path: string) =>
    statsOf(path) !== undefined && realAsFarAsThere(dirname(path)) === dirname(path);
  const found = new Set([...known, ...namedBy(root)].filter(there));
  let level = [root];
  let opened = 0;
  let all = true;
  for (let depth = 0; depth < DEPTH && level.length > 0; depth += 1) {
    const next: string[] = [];
    const looked = oldest(level, MOST_OPENED - opened);
    opened += looked.length;
    all &&= looked.length === level.length;
    for (const folder of looked) {
      for (const entry of namesIn(folder)) {
        if (entry.name === '.git') found.add(join(folder, entry.name));
        else if (entry.isDirectory() && !NOT_OPENED.has(entry.name)) next.push(join(folder, entry.name));
      }
    }
    level = next;
  }
  // The last need not be opened, and of that there is time for more.
  const last = oldest(level, MOST_LAST);
  all &&= last.length === level.length;
  for (const folder of last) if (statsOf(join(folder, '.git')) !== undefined) found.add(join(folder, '.git'));
  return { found: [...found], all };
}

/** As many of some folders as there is time for. Where a volume does not keep when they were made it is any of them. */
export function oldest(folders: readonly string[], most: number): string[] {
  if (folders.length <= most) return [...folders];
  const dated = folders.map((folder) => ({ folder, made: statsOf(folder)?.birthtimeMs ?? Infinity }));
  return dated
    .sort((a, b) => a.made - b.made)
    .slice(0, most)
    .map(({ folder }) => folder);
}

/** Both lists are protected themselves, or a run could only have more looked at. */
function namedBy(root: string): string[] {
  const submodules = [...smallText(join(root, '.gitmodules')).matchAll(SUBMODULE_PATH)];
  const worktrees = namesIn(join(root, '.git', 'worktrees')).slice(0, MOST_NAMED);
  return [
    ...submodules.slice(0, MOST_NAMED).map(([, path = '']) => resolve(root, path.trim(), '.git')),
    ...worktrees.map(({ name }) => smallText(join(root, '.git', 'worktrees', name, 'gitdir')).trim()),
  ].filter((path) => path !== root && path.endsWith('/.git') && isInside(root, path));
}

/** What is in a folder; nothing where there is none to look into. */
export function namesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

const DEPTH = 3;
/** Bounds on what a command may cost in a folder of many: about 15 µs to open one, 2 µs to look for a name in it. */
const MOST_OPENED = 2_000;
const MOST_LAST = 20_000;
const MOST_NAMED = 500;
const NOT_OPENED: ReadonlySet<string> = new Set(['node_modules']);
/** A line of .gitmodules. */
const SUBMODULE_PATH = /^[ \t]*path[ \t]*=[ \t]*(.+)$/gim;
