import { existsSync, lstatSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

/** Whether a path is a folder or something in it, by whole names: `/work-evil` is not in `/work`. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** A path with its symlinks resolved as far as it exists; what does not exist yet is taken as it is named. */
export function realAsFarAsThere(path: string): string {
  const parent = dirname(path);
  const climb = () => (parent === path ? path : join(realAsFarAsThere(parent), basename(path)));
  // Of the places a policy asks about most do not exist, and an error that is thrown takes longer than the look.
  if (!existsSync(path)) return climb();
  try {
    return realpathSync(path);
  } catch {
    return climb();
  }
}

/** What stands at a path, links not followed; `undefined` where nothing does, or where it cannot be looked at. */
export function statsOf(path: string): Stats | undefined {
  try {
    // Not being there is common, and an error that is thrown takes longer than the look.
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Whether there is a folder at a path, or something else; a link is not followed. */
export function kindOf(path: string): 'folder' | 'other' | undefined {
  const stats = statsOf(path);
  return stats === undefined ? undefined : stats.isDirectory() ? 'folder' : 'other';
}

/**
 * A path as a volume that folds case would compare it, and without the characters such a volume ignores in names: what
 * looks like another name to us may be the same file to it (APFS, HFS+).
 */
export function foldPath(path: string): string {
  return path.replace(IGNORED, '').normalize('NFKC').toLowerCase();
}

/** Code points that HFS+ ignores in names, as git's own check has them. */
const IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
