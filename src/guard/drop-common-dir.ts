import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { statsOf } from './paths.ts';

/**
 * Removes `commondir` from a git folder that has objects of its own. Git takes its config and hooks from the folder that
 * this file names; only a worktree's git folder, which has no objects, has one for honest reasons. The file cannot be
 * forbidden by a path-based sandbox before it is there: git stops at an empty one. Answers whether there was one.
 */
export function dropCommonDir(gitFolder: string): boolean {
  const file = join(gitFolder, 'commondir');
  const [own, found] = [statsOf(join(gitFolder, 'objects')), statsOf(file)];
  if (own === undefined || found === undefined || found.isDirectory()) return false;
  unlinkSync(file);
  return true;
}
