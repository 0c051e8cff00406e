import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isInside } from './paths.ts';

/**
 * The folder in `root` that the config of its git folder names for hooks (`core.hooksPath`), as husky and others set it: what stands
 * there is run by git like what stands in `.git/hooks`. `undefined` where there is none, or where it lies elsewhere.
 */
export function hooksFolder(root: string, git = join(root, '.git')): string | undefined {
  const named = /^[ \t]*hookspath[ \t]*=[ \t]*"?([^"\n;#]+)/im.exec(configOf(git))?.[1]?.trim();
  if (named === undefined || named === '' || named.startsWith('~')) return undefined;
  const folder = resolve(root, named);
  if (!isInside(root, folder) || folder === root) return undefined;
  // husky's `_` only calls what stands beside it.
  return basename(folder) === '_' && dirname(folder) !== root ? dirname(folder) : folder;
}

function configOf(git: string): string {
  try {
    return readFileSync(join(git, 'config'), 'utf8');
  } catch {
    return '';
  }
}
