import { readdirSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { hooksFolders } from './hooks-folder.ts';
import { isInside, statsOf } from './paths.ts';
import { PROTECTED_FILES, PROTECTED_FOLDERS, PROTECTED_IN_GIT } from './protected-names.ts';

/**
 * The protected places of a writable folder as they are on disk now, for a sandbox that knows paths and no patterns
 * (bubblewrap). A folder that does not exist is named by something in it: the sandbox then puts an empty folder over its
 * name. Files that do not exist are left out, since only a file in the owner's folder could stand for them; `.git` is
 * always protected. `git` are the `.git` of nested repositories, which take a while to find.
 */
export function protectedPlaces(root: string, git = gitFolders(root)): string[] {
  const places: string[] = [];
  for (const name of PROTECTED_FOLDERS) places.push(folderOrStub(root, name));
  for (const name of PROTECTED_FILES)
    if (kindOf(join(root, name)) !== undefined) places.push(join(root, name));
  for (const folder of new Set([join(root, '.git'), ...git])) {
    places.push(...inRepository(folder));
    const above = dirname(folder);
    for (const hooks of hooksFolders(above)) places.push(folderOrStub(above, relative(above, hooks)));
  }
  return [...new Set(places)];
}

/** The name that such a place protects: a sandbox that may deny what does not exist is told that, and not what would be in it. */
export function protectedName(place: string): string {
  return basename(place) === ABSENT ? dirname(place) : place;
}

/** Of such places, the names in writable folders that are free: over each a sandbox has to make something empty. */
export function freeNames(
  places: readonly string[],
  { writable }: { writable: readonly string[] },
): string[] {
  return places
    .map(protectedName)
    .filter((place) => kindOf(place) === undefined && writable.some((root) => isInside(root, place)));
}

function inRepository(git: string): string[] {
  const kind = kindOf(git);
  if (kind === undefined) return [join(git, ABSENT)];
  // Without a config in it, whoever makes one decides: that of a repository half made is nobody's yet.
  return kind === 'other' || kindOf(join(git, 'config')) === undefined ? [git] : inGitFolder(git);
}

function inGitFolder(git: string): string[] {
  const own = PROTECTED_IN_GIT.map((name) => join(git, name)).filter((path) => kindOf(path) !== undefined);
  if (kindOf(join(git, 'hooks')) === undefined) own.push(join(git, 'hooks', ABSENT));
  return [...own, ...['modules', 'worktrees'].flatMap((name) => gitFoldersBelow(join(git, name), DEPTH))];
}

/** A submodule's name may have slashes; its folder is then further in. */
function gitFoldersBelow(folder: string, levels: number): string[] {
  return foldersIn(folder).flatMap((name) => {
    const path = join(folder, name);
    if (kindOf(join(path, 'HEAD')) !== undefined) return inGitFolder(path);
    return levels > 0 ? gitFoldersBelow(path, levels - 1) : [];
  });
}

/** Every `.git` of a folder and of the folders in it, `DEPTH` levels deep. */
export function gitFolders(root: string): string[] {
  const found: string[] = [];
  let level = [root];
  let looked = 0;
  for (let depth = 0; depth <= DEPTH && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const folder of level) {
      looked += 1;
      if (looked > MOST_FOLDERS) return found;
      for (const entry of namesIn(folder)) {
        if (entry.name === '.git') found.push(join(folder, entry.name));
        else if (entry.isDirectory() && !NOT_OPENED.has(entry.name)) next.push(join(folder, entry.name));
      }
    }
    level = next;
  }
  return found;
}

/**
 * A folder to protect, by the first of its parts that is missing. An empty part is protected whole: it may be the sandbox's
 * own, put there for a command that still runs, and nothing more may be put into it.
 */
function folderOrStub(root: string, name: string): string {
  let path = root;
  for (const part of name.split('/')) {
    path = join(path, part);
    const kind = kindOf(path);
    if (kind === undefined) return join(path, ABSENT);
    if (kind === 'other' || isEmpty(path)) return path;
  }
  return path;
}

function isEmpty(folder: string): boolean {
  return namesIn(folder).length === 0;
}

function kindOf(path: string): 'folder' | 'other' | undefined {
  const stats = statsOf(path);
  return stats === undefined ? undefined : stats.isDirectory() ? 'folder' : 'other';
}

function foldersIn(folder: string): string[] {
  return namesIn(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function namesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

const ABSENT = '.absent-in-runmesh-sandbox';
const DEPTH = 3;
/** A bound on what a command may cost in a folder of many. */
const MOST_FOLDERS = 2_000;
const NOT_OPENED: ReadonlySet<string> = new Set(['node_modules']);
