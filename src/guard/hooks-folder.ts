import { basename, dirname, join, resolve } from 'node:path';
import { isInside } from './paths.ts';
import { smallText } from './small-text.ts';

/**
 * The folders in `root` that the config of its repository names for hooks (`core.hooksPath`), as husky and others set it: what stands
 * there is run by git like what stands in `.git/hooks`. Those that lie elsewhere are left out. A worktree's `.git` and a submodule's
 * is a file that says where their git folder is, and a worktree's config is that of the repository it belongs to.
 */
export function hooksFolders(root: string): string[] {
  const named = configsOf(join(root, '.git')).flatMap((config) => [...config.matchAll(HOOKS_PATH)]);
  return [...new Set(named.flatMap(([, path = '']) => folderIn(root, path.trim())))];
}

function folderIn(root: string, named: string): string[] {
  if (named === '' || named.startsWith('~')) return [];
  const folder = resolve(root, named);
  if (!isInside(root, folder) || folder === root) return [];
  // husky's `_` only calls what stands beside it.
  return [basename(folder) === '_' && dirname(folder) !== root ? dirname(folder) : folder];
}

function configsOf(dotGit: string): string[] {
  const named = /^gitdir:(.+)/.exec(smallText(dotGit))?.[1]?.trim();
  const git = named === undefined ? dotGit : resolve(dirname(dotGit), named);
  const common = resolve(git, smallText(join(git, 'commondir')).trim());
  return [smallText(join(common, 'config')), smallText(join(git, 'config.worktree'))];
}

const HOOKS_PATH = /^[ \t]*hookspath[ \t]*=[ \t]*"?([^"\n;#]+)/gim;
