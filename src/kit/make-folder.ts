import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOf, messageOf, RunmeshError } from './errors.ts';

/**
 * Makes a folder and what is missing above it, and leaves one that is there as it is. One at a time: Node's own recursive
 * way tries for ever where the system has no folders to make (`/proc/1/x`). `instead` says what the person who named the
 * folder can do. Throws `folder_unusable`.
 */
export function makeFolder(folder: string, { mode, instead }: { mode: number; instead: string }): void {
  try {
    makeWithParents(resolve(folder), mode);
  } catch (error) {
    const why = WORDS[codeOf(error)] ?? messageOf(error);
    throw new RunmeshError('folder_unusable', `The folder ${folder} cannot be made: ${why}; ${instead}`, {
      cause: error,
    });
  }
}

function makeWithParents(folder: string, mode: number): void {
  const parent = dirname(folder);
  if (!existsSync(parent) && parent !== folder) makeWithParents(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // There already, or made by somebody else in between.
    if (codeOf(error) !== 'EEXIST' || !isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const WORDS: Readonly<Record<string, string>> = {
  EEXIST: 'something that is no folder has its name',
  ENOTDIR: 'what stands above it is no folder',
  EACCES: 'your user may not write there',
  EPERM: 'your user may not write there',
  EROFS: 'the disk is there to be read only',
  ENOENT: 'the system makes no folders there',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your share of the disk is full',
  ENAMETOOLONG: 'its name is too long',
};
