import { randomUUID } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { HELD_FLAGS, type HeldFolder, holdFolder } from './held-folder.ts';
import { asSentence, type InsidePath, openInside, refuseUnwritable, resolveInside } from './inside.ts';
import type { Workspace } from './workspaces.ts';

/** File operations of our own tools: inside a workspace or not at all. Paths may be relative or absolute. */

export interface ReadFile {
  data: Buffer;
  /** Relative to the workspace. */
  path: string;
  /** Permission bits. */
  mode: number;
}

/** Throws `not_found`, `outside_workspace`, `not_a_file`, `file_too_large`. */
export async function readInside(workspace: Workspace, path: string, maxBytes: number): Promise<ReadFile> {
  const place = await resolveInside(workspace, path);
  const { handle, stats } = await openInside(workspace, place, constants.O_RDONLY);
  try {
    if (stats.size > maxBytes) throw tooLarge(place.path, stats.size, maxBytes);
    const data = await handle.readFile();
    // Files of /proc and the like say 0 and hold more.
    if (data.length > maxBytes) throw tooLarge(place.path, data.length, maxBytes);
    return { data, path: place.path, mode: stats.mode & 0o777 };
  } finally {
    await handle.close();
  }
}

/** The file as it is, or `undefined` where there is none. */
export async function readIfThere(
  workspace: Workspace,
  path: string,
  maxBytes: number,
): Promise<ReadFile | undefined> {
  try {
    return await readInside(workspace, path, maxBytes);
  } catch (error) {
    if (error instanceof RunmeshError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** Writes a file whole: a reader sees the old text or the new one. Makes folders; keeps the mode of what it replaces. */
export async function writeInside(
  workspace: Workspace,
  path: string,
  data: string | Buffer,
  mode?: number,
): Promise<string> {
  const place = await resolveInside(workspace, path, 'parents');
  refuseUnwritable(workspace, place);
  if (place.real === workspace.root) throw notWritable(place.path);
  return inFolder(workspace, place, true, async (folder, name) => {
    const before = await lstat(folder.at(name)).catch(() => undefined);
    if (before !== undefined && !before.isFile()) throw notWritable(place.path);
    const temporary = folder.at(`.runmesh-${randomUUID()}`);
    try {
      const handle = await open(temporary, NEW_FILE, 0o600);
      try {
        await handle.writeFile(data);
        await handle.chmod(mode ?? (before === undefined ? 0o644 : before.mode & 0o777));
      } finally {
        await handle.close();
      }
      await rename(temporary, folder.at(name));
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
    return place.path;
  });
}

/** Deletes a file (or a link, never its target). Folders are refused. */
export async function deleteInside(workspace: Workspace, path: string): Promise<string> {
  const parent = await resolveInside(workspace, join(path, '..'));
  const name = basename(path);
  const place = {
    real: join(parent.real, name),
    path: parent.path === '.' ? name : `${parent.path}/${name}`,
  };
  refuseUnwritable(workspace, place);
  return inFolder(workspace, place, false, async (folder) => {
    const stats = await lstat(folder.at(name));
    if (stats.isDirectory()) {
      throw new RunmeshError('not_a_file', `${place.path} is a folder; only files are deleted.`);
    }
    await unlink(folder.at(name));
    return place.path;
  });
}

/** Does something with a name in its folder, held open; what the system refuses becomes a sentence. */
async function inFolder<T>(
  workspace: Workspace,
  { real, path }: InsidePath,
  create: boolean,
  work: (folder: HeldFolder, name: string) => Promise<T>,
): Promise<T> {
  try {
    const folder = await holdFolder(workspace, dirname(real), create);
    try {
      return await work(folder, basename(real));
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw asSentence(error, path);
  }
}

/** A folder's entries by name, links not followed. */
export async function listInside(
  workspace: Workspace,
  path: string,
): Promise<{ path: string; entries: Dirent[] }> {
  const place = await resolveInside(workspace, path);
  try {
    const folder = await holdFolder(workspace, place.real);
    try {
      const entries = await readdir(folder.at('.'), { withFileTypes: true });
      return { path: place.path, entries: entries.sort((a, b) => (a.name < b.name ? -1 : 1)) };
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOTDIR') throw asSentence(error, place.path);
    throw new RunmeshError('not_a_folder', `${place.path} is a file, not a folder.`, { cause: error });
  }
}

function notWritable(path: string): RunmeshError {
  return new RunmeshError('not_a_file', `${path} is not a file, so it cannot be written.`);
}

function tooLarge(path: string, size: number, maxBytes: number): RunmeshError {
  return new RunmeshError(
    'file_too_large',
    `${path} has ${size} bytes, and at most ${maxBytes} are read. Look at parts of it with a command.`,
  );
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | HELD_FLAGS;
