import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HELD_FLAGS, type HeldFolder, holdFolder } from '../guard/held-folder.ts';
import { isInside } from '../guard/paths.ts';
import { isHidden } from '../guard/sandbox-policy.ts';
import type { Workspace } from '../guard/workspaces.ts';

/**
 * Looks up again what ripgrep says it found. It runs outside of the sandbox and goes by paths, which a command may exchange
 * for links while it searches, so of its answer counts only what a file of the workspace holds that is reached through folders
 * held open. What is left out is told nobody: that something was found there would itself say what a hidden file holds.
 */
export interface FoundAgain {
  /** Whether there is such a file, by its path from the workspace. */
  has(path: string): Promise<boolean>;
  /** Whether this text stands there, `offset` bytes after the beginning as ripgrep counts them. */
  holds(path: string, offset: number, text: string): Promise<boolean>;
  close(): Promise<void>;
}

/** What ripgrep names comes sorted, so the last folder and the last file are the ones kept open. */
export function lookAgain(workspace: Workspace): FoundAgain {
  let folder: { real: string; held: HeldFolder; files?: ReadonlySet<string> } | undefined;
  let file: { path: string; opened: OpenedFile | undefined } | undefined;

  const folderOf = async (real: string) => {
    if (folder?.real === real) return folder;
    await folder?.held.close();
    folder = undefined;
    folder = { real, held: await holdFolder(workspace, real) };
    return folder;
  };

  const fileAt = async (path: string): Promise<OpenedFile | undefined> => {
    if (file?.path === path) return file.opened;
    await file?.opened?.handle.close();
    file = undefined;
    const real = realOf(workspace, path);
    const opened =
      real === undefined ? undefined : await openFile((await folderOf(dirname(real))).held, basename(real));
    file = { path, opened };
    return opened;
  };

  return {
    has: async (path) => {
      try {
        if (!CAN_LIST_HELD) return (await fileAt(path)) !== undefined;
        const real = realOf(workspace, path);
        if (real === undefined) return false;
        const around = await folderOf(dirname(real));
        around.files ??= await filesIn(around.held);
        return around.files.has(basename(real));
      } catch {
        return false;
      }
    },
    holds: async (path, offset, text) => {
      try {
        const opened = await fileAt(path);
        // A byte that is no text is three in `text`, so this many are enough.
        const length = Buffer.byteLength(text);
        return (
          opened !== undefined && (await readText(opened, offset, length)).toString('utf8').startsWith(text)
        );
      } catch {
        return false;
      }
    },
    close: async () => {
      await file?.opened?.handle.close();
      await folder?.held.close();
    },
  };
}

/** A path of the workspace's that the run may read. */
function realOf({ root, policy }: Workspace, path: string): string | undefined {
  const real = join(root, path);
  return real !== root && isInside(root, real) && !isHidden(policy, real) ? real : undefined;
}

async function filesIn(folder: HeldFolder): Promise<ReadonlySet<string>> {
  const entries = await readdir(folder.at('.'), { withFileTypes: true });
  return new Set(entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])));
}

async function openFile(folder: HeldFolder, name: string): Promise<OpenedFile | undefined> {
  const handle = await open(folder.at(name), constants.O_RDONLY | constants.O_NONBLOCK | HELD_FLAGS);
  if ((await handle.stat()).isFile()) return { handle };
  await handle.close();
  return undefined;
}

interface OpenedFile {
  handle: FileHandle;
  /** What its first bytes say of it, once they were read. */
  begins?: { skipped: number; decoded?: Buffer };
}

/** Bytes of a file's text in UTF-8, which ripgrep makes of what begins with a mark of UTF-16; the marks are no part of it. */
async function readText(opened: OpenedFile, offset: number, length: number): Promise<Buffer> {
  opened.begins ??= await readBeginning(opened.handle);
  const { skipped, decoded } = opened.begins;
  if (decoded !== undefined) return decoded.subarray(offset, offset + length);
  return readAt(opened.handle, skipped + offset, length);
}

async function readBeginning(handle: FileHandle): Promise<{ skipped: number; decoded?: Buffer }> {
  const mark = (await readAt(handle, 0, 3)).toString('hex');
  if (mark === 'efbbbf') return { skipped: 3 };
  const encoding = mark.startsWith('fffe') ? 'utf-16le' : mark.startsWith('feff') ? 'utf-16be' : undefined;
  if (encoding === undefined) return { skipped: 0 };
  const bytes = await readAt(handle, 0, Math.min((await handle.stat()).size, MOST_DECODED));
  return { skipped: 0, decoded: Buffer.from(new TextDecoder(encoding).decode(bytes)) };
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Elsewhere a folder is listed by its path, and that may be a link by then. */
const CAN_LIST_HELD = process.platform === 'linux';
const MOST_DECODED = 16 * 1_048_576;
