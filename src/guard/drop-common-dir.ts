import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf } from './paths.ts';

/**
 * Removes `commondir` from the git folder of a repository or a submodule. Git takes its config and hooks from the folder that
 * this file names; only a worktree's git folder has one for honest reasons. The file cannot be forbidden by a path-based
 * sandbox before it is there: git stops at an empty one. Answers whether there was one.
 */
export function dropCommonDir(gitFolder: string): boolean {
  const file = join(gitFolder, 'commondir');
  if (kindOf(file) !== 'other') return false;
  unlinkSync(file);
  return true;
}
