import { basename, dirname, join, relative } from 'node:path';
import { findRepositories, namesIn } from './find-repositories.ts';
import { gitFoldersIn, isOfWorktree } from './git-folders.ts';
import { hooksFolders } from './hooks-folder.ts';
import { isInside, kindOf } from './paths.ts';
import { PROTECTED_FILES, PROTECTED_FOLDERS, PROTECTED_IN_GIT } from './protected-names.ts';

/**
 * The protected places of a writable folder as they are on disk now, for a sandbox that knows paths and no patterns
 * (bubblewrap). A folder that does not exist is named by something in it: the sandbox then puts an empty folder over its
 * name. Files that do not exist are left out, since only a file in the owner's folder could stand for them; `.git` is
 * always protected. `git` are the `.git` of nested repositories, which take a while to find.
 */
export function protectedPlaces(root: string, git = findRepositories(root).found): string[] {
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
  if (kind === 'other') return [git];
  const inner = gitFoldersIn(git).flatMap((folder) => inGitFolder(folder, isOfWorktree(folder, git)));
  return [...inGitFolder(git, false), ...inner];
}

/** Without a config in it, or in a worktree's the name of the folder that has it, whoever makes one decides: it is closed whole. */
function inGitFolder(git: string, ofWorktree: boolean): string[] {
  if (kindOf(join(git, ofWorktree ? 'commondir' : 'config')) === undefined) return [git];
  const own = PROTECTED_IN_GIT.map((name) => join(git, name)).filter((path) => kindOf(path) !== undefined);
  if (kindOf(join(git, 'hooks')) === undefined) own.push(join(git, 'hooks', ABSENT));
  return own;
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

const ABSENT = '.absent-in-runmesh-sandbox';
