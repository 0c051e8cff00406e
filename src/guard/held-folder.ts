import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { codeOf } from '../kit/errors.ts';
import type { Workspace } from './workspaces.ts';

/**
 * A folder of a workspace, held open while something is done in it. Files are then reached through the open folder and
 * not by its name, so a folder that is swapped for a link in between is not followed.
 */
export interface HeldFolder {
  /** The path of a name in this folder, for the calls that follow. */
  at(name: string): string;
  close(): Promise<void>;
}

/** Flags that every open of a file in a held folder needs: no link is followed, on macOS in no component. */
export const HELD_FLAGS = constants.O_NOFOLLOW | (process.platform === 'darwin' ? 0x20000000 : 0);

/**
 * Walks from the workspace's root down to `real`, a folder at a time, each through the one before (`openat` by way of
 * /proc/self/fd; Node has no other). With `create` missing ones are made. macOS has no such way and refuses links in
 * any component instead (`O_NOFOLLOW_ANY`, open(2)).
 */
export async function holdFolder(workspace: Workspace, real: string, create = false): Promise<HeldFolder> {
  let held = await hold(workspace.root, workspace.root);
  for (const name of relative(workspace.root, real).split(sep).filter(Boolean)) {
    try {
      const path = held.at(name);
      if (create) await makeFolder(path);
      const next = await hold(path, join(held.real, name));
      await held.close();
      held = next;
    } catch (error) {
      await held.close();
      throw error;
    }
  }
  return held;
}

async function hold(path: string, real: string): Promise<HeldFolder & { real: string }> {
  const handle: FileHandle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | HELD_FLAGS);
  const through = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : real;
  return { real, at: (name) => `${through}/${name}`, close: () => handle.close() };
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
