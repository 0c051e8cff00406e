import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { HELD_FLAGS, holdFolder } from './held-folder.ts';
import { hooksFolders } from './hooks-folder.ts';
import { foldPath, isInside, realAsFarAsThere } from './paths.ts';
import { isProtectedName } from './protected-names.ts';
import { isHidden, isWritable } from './sandbox-policy.ts';
import type { Workspace } from './workspaces.ts';

/**
 * Where a path really is. `real` has no symlink in it but perhaps its last component's target; `path` is relative to
 * the workspace, with `/`.
 */
export interface InsidePath {
  real: string;
  path: string;
  /** The path as it was asked for, relative to the workspace, links in it not followed. */
  asked?: string;
}

/**
 * Resolves a path and refuses what lies outside the workspace, symlinks and `..` included, and what the run's policy
 * hides. The last component need not exist; with `missing: 'parents'` neither need its folders. Throws
 * `outside_workspace`, `secret_store` or `path_invalid`.
 */
export async function resolveInside(
  workspace: Workspace,
  path: string,
  missing: 'last' | 'parents' = 'last',
): Promise<InsidePath> {
  if (path.includes('\0') || path.length > MAX_PATH) {
    throw new RunmeshError(
      'path_invalid',
      `The path is ${path.length > MAX_PATH ? 'too long' : 'broken: it contains a NUL'}.`,
    );
  }
  const wanted = isAbsolute(path) ? resolve(path) : resolve(workspace.root, path);
  const real = await realTarget(wanted, missing, 0);
  if (!isInside(workspace.root, real)) {
    throw new RunmeshError(
      'outside_workspace',
      `${path} is outside the workspace "${workspace.name}" (${workspace.root}). Use a path inside it.`,
    );
  }
  const inside = {
    real,
    path: relative(workspace.root, real).split(sep).join('/') || '.',
    asked: relative(workspace.root, wanted),
  };
  refuseHidden(workspace, inside);
  return inside;
}

function refuseHidden({ policy }: Workspace, { real, path }: InsidePath): void {
  if (!isHidden(policy, real)) return;
  throw new RunmeshError(
    'secret_store',
    `${path} is where secrets are kept, so no run reads or changes it. Its owner can open it with \`runmesh config set sandbox.readable\`.`,
  );
}

/**
 * Refuses to change what the run's policy lets nobody change: everything when it only reads, and what would run as the
 * owner later. Throws `read_only`, `protected_path` or `secret_store`.
 */
export function refuseUnwritable(workspace: Workspace, place: InsidePath): void {
  const { policy } = workspace;
  const { real, path, asked = path } = place;
  refuseHidden(workspace, place);
  if (policy.mode === 'danger-full-access') return;
  if (policy.mode === 'read-only') {
    throw new RunmeshError('read_only', `${path} was not changed: this run may only read.`);
  }
  const inGit = relative(realAsFarAsThere(join(workspace.root, '.git')), real);
  const names = [path, asked, ...(inGit.startsWith('..') ? [] : [join('.git', inGit)])];
  // A folder of hooks may be a link, and be meant by its name or by where it leads.
  const paths = [real, join(workspace.root, asked)];
  const hooks = paths.flatMap((one) => hooksFoldersAround(workspace.root, one));
  if (
    isWritable(policy, real) &&
    !names.some(isProtectedName) &&
    !hooks.some((one) => [...paths, ...paths.map(foldPath)].some((name) => isInside(one, name)))
  )
    return;
  throw new RunmeshError(
    'protected_path',
    `${path} may not be changed: git, a shell or an editor would run what stands there. Its owner can change it.`,
  );
}

/** Of every repository that the path lies in, up to the workspace's own. */
function hooksFoldersAround(root: string, path: string): string[] {
  const found: string[] = [];
  for (let folder = dirname(path); isInside(root, folder); folder = dirname(folder)) {
    for (const hooks of hooksFolders(folder)) found.push(hooks, foldPath(hooks), realAsFarAsThere(hooks));
  }
  return found;
}

/**
 * Opens a file that was resolved, through its folder and without following a link anywhere, so that nothing that moves
 * between resolving and opening leads outside. Only regular files: a FIFO would block and a device has no end.
 */
export async function openInside(
  workspace: Workspace,
  { real, path }: InsidePath,
  flags: number,
): Promise<{ handle: FileHandle; stats: Stats }> {
  if (real === workspace.root) throw new RunmeshError('not_a_file', `${path} is a folder, not a file.`);
  let handle: FileHandle;
  try {
    const folder = await holdFolder(workspace, dirname(real));
    try {
      handle = await open(folder.at(basename(real)), flags | HELD_FLAGS | constants.O_NONBLOCK);
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw asSentence(error, path);
  }
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, stats };
  await handle.close();
  throw new RunmeshError('not_a_file', `${path} is ${kindOf(stats)}, not a file.`);
}

/** Whether a path that was resolved is that of a folder, for now; the workspace is one. Throws `not_found`. */
export async function isFolder({ root }: Workspace, { real, path }: InsidePath): Promise<boolean> {
  if (real === root) return true;
  try {
    return (await lstat(real)).isDirectory();
  } catch (error) {
    throw asSentence(error, path);
  }
}

/** A system error of a file operation as a sentence for a model or a person. */
export function asSentence(error: unknown, path: string): unknown {
  const sentence: Record<string, string> = {
    ENOENT: `${path} does not exist.`,
    EISDIR: `${path} is a folder, not a file.`,
    ENOTDIR: `${path} cannot exist: part of it is a file, not a folder.`,
    EACCES: `${path} cannot be opened: permission denied.`,
    EPERM: `${path} cannot be opened: the system does not permit it.`,
    ELOOP: `${path} is a symbolic link where a file was expected.`,
    EEXIST: `${path} exists already.`,
    ENXIO: `${path} is a FIFO or device, not a file.`,
    ENAMETOOLONG: `${path.slice(0, 100)}… has a name that is too long.`,
    ENOSPC: `${path} cannot be written: the disk is full.`,
  };
  const code = codeOf(error, '');
  const text = sentence[code];
  return text === undefined
    ? error
    : new RunmeshError(code === 'ENOENT' ? 'not_found' : 'file_error', text, { cause: error });
}

async function realTarget(wanted: string, missing: 'last' | 'parents', links: number): Promise<string> {
  try {
    return await realpath(wanted);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw asSentence(error, wanted);
  }
  // A link whose target is missing must count by its target: writing through it would make a file there.
  const link = await readlink(wanted).catch(() => undefined);
  if (link !== undefined) {
    if (links > 40) throw new RunmeshError('path_invalid', `${wanted} is a loop of symbolic links.`);
    return realTarget(resolve(dirname(wanted), link), missing, links + 1);
  }
  const parent = dirname(wanted);
  if (parent === wanted) return wanted;
  if (missing === 'last' && (await lstat(parent).catch(() => undefined)) === undefined) {
    throw new RunmeshError('not_found', `${wanted} does not exist, and neither does its folder.`);
  }
  return join(await realTarget(parent, missing, links), basename(wanted));
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return stats.isSymbolicLink() ? 'a symbolic link' : 'a device';
}

/** PATH_MAX on Linux; macOS has 1,024. */
const MAX_PATH = 4_096;
