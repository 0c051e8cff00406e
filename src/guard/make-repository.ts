import { constants } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../kit/errors.ts';
import { HELD_FLAGS, holdFolder } from './held-folder.ts';
import { asSentence, refuseUnwritable, resolveInside } from './inside.ts';
import type { Workspace } from './workspaces.ts';

export interface MadeRepository {
  /** Its git folder. */
  path: string;
  /** False where there was one already. */
  made: boolean;
}

/**
 * An empty git repository in a folder of the workspace, as `git init` makes one, with a config of our own words and no hooks. A
 * command in the sandbox cannot make it: whoever may write a config decides what git runs later, as the owner and outside every
 * sandbox. `undefined` where something stands in its place that is no repository. Throws what the file tools throw.
 */
export async function makeRepository(
  workspace: Workspace,
  folder: string,
  branch: string,
): Promise<MadeRepository | undefined> {
  const place = await resolveInside(workspace, folder, 'parents');
  refuseUnwritable(workspace, place);
  const path = join(place.real, '.git');
  try {
    const parent = await holdFolder(workspace, place.real, true);
    try {
      // An empty folder is the sandbox's own, over the free name, while another command runs.
      const found = await namesIn(parent.at('.git'));
      if (found.includes('HEAD')) return { path, made: false };
      // One that was begun and never ended is gone on with.
      if (found.some((name) => !OWN_NAMES.has(name))) return undefined;
    } finally {
      await parent.close();
    }
    const config = process.platform === 'darwin' ? `${CONFIG}${ON_MACOS}` : CONFIG;
    // The first thing in it: while there is none no command writes anything there.
    if (!(await writeOurs(workspace, join(path, 'config'), config))) return undefined;
    for (const name of FOLDERS) await (await holdFolder(workspace, join(path, name), true)).close();
    if (!(await isEmpty(workspace, join(path, 'hooks')))) return undefined;
    if (!(await writeOurs(workspace, join(path, 'info', 'exclude'), ''))) return undefined;
    // Without it git sees no repository: so it comes last.
    const made = await writeOurs(workspace, join(path, 'HEAD'), `ref: refs/heads/${branch}\n`);
    return made ? { path, made } : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ELOOP') return undefined;
    throw asSentence(error, place.path);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    // Made and looked at in one go where there is none: what follows goes through it, link or not.
    await mkdir(folder);
    return [];
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | HELD_FLAGS);
  try {
    return await readdir(process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : folder);
  } finally {
    await handle.close();
  }
}

async function isEmpty(workspace: Workspace, path: string): Promise<boolean> {
  const folder = await holdFolder(workspace, path);
  try {
    return (await readdir(folder.at('.'))).length === 0;
  } finally {
    await folder.close();
  }
}

/** Writes a new file; whether it holds this text then, where there was one. */
async function writeOurs(workspace: Workspace, path: string, text: string): Promise<boolean> {
  const folder = await holdFolder(workspace, dirname(path));
  try {
    const file = await open(folder.at(basename(path)), NEW_FILE, 0o644);
    await file.writeFile(text).finally(() => file.close());
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return await holds(folder.at(basename(path)), text);
  } finally {
    await folder.close();
  }
}

async function holds(path: string, text: string): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | HELD_FLAGS);
  try {
    const stats = await file.stat();
    return stats.isFile() && stats.size === Buffer.byteLength(text) && (await file.readFile('utf8')) === text;
  } finally {
    await file.close();
  }
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | HELD_FLAGS;
const FOLDERS = ['hooks', 'info', 'objects/info', 'objects/pack', 'refs/heads', 'refs/tags'];
/** Those that a repository has before its HEAD. */
const OWN_NAMES: ReadonlySet<string> = new Set(['config', 'hooks', 'info', 'objects', 'refs']);
const CONFIG =
  '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n';
/** What git finds out there for itself: names are folded, and composed. */
const ON_MACOS = '\tignorecase = true\n\tprecomposeunicode = true\n';
