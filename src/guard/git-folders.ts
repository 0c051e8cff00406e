import { basename, dirname, join } from 'node:path';
import { namesIn, oldest } from './find-repositories.ts';
import { isInside, kindOf } from './paths.ts';

/**
 * The git folders of submodules and worktrees in a git folder. A run can have a folder look like one, or like none but by what is
 * protected in it, so any mark will do, and they are looked for below what looks like one as well: a submodule's name may
 * have slashes, and its folder is then further in.
 */
export function gitFoldersIn(git: string): string[] {
  const found: string[] = [];
  let level = [join(git, 'modules'), join(git, 'worktrees')];
  for (let depth = 0; depth < DEPTH && level.length > 0; depth += 1) {
    level = oldest(level.flatMap(foldersIn), MOST_OF_A_LEVEL);
    found.push(...level.filter(looksLikeGit));
  }
  return found;
}

/**
 * Whether a folder that was found in the git folder `git` is a worktree's, which has the config and the hooks of the one that its
 * `commondir` names. A submodule may be called `worktrees/x`.
 */
export function isOfWorktree(gitFolder: string, git: string): boolean {
  const around = dirname(gitFolder);
  const owner = dirname(around);
  return (
    basename(around) === 'worktrees' &&
    isInside(git, owner) &&
    owner !== join(git, 'modules') &&
    (owner === git || looksLikeGit(owner))
  );
}

function foldersIn(folder: string): string[] {
  const skipped = looksLikeGit(folder) ? GIT_KEEPS : undefined;
  return namesIn(folder).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = join(folder, entry.name);
    // None of git's own has a config: a submodule may bear their names.
    return skipped?.has(entry.name) && kindOf(join(path, 'config')) !== 'other' ? [] : [path];
  });
}

function looksLikeGit(folder: string): boolean {
  return (
    ['HEAD', 'config', 'commondir'].some((name) => kindOf(join(folder, name)) === 'other') ||
    ['objects', 'refs'].every((name) => kindOf(join(folder, name)) === 'folder')
  );
}

/** Deeper than a submodule's name or submodules in submodules commonly are. */
const DEPTH = 10;
const MOST_OF_A_LEVEL = 2_000;
const GIT_KEEPS: ReadonlySet<string> = new Set([
  'branches',
  'hooks',
  'info',
  'lfs',
  'logs',
  'objects',
  'refs',
  'rr-cache',
]);
