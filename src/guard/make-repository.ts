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
      if (found.length > 0) return undefined;
    } finally {
      await parent.close();
    }
    for (const name of FOLDERS) await (await holdFolder(workspace, join(path, name), true)).close();
    const config = process.platform === 'darwin' ? `${CONFIG}${ON_MACOS}` : CONFIG;
    await writeNew(workspace, join(path, 'config'), config);
    await writeNew(workspace, join(path, 'info', 'exclude'), '');
    // Without it git sees no repository: so it comes last.
    await writeNew(workspace, join(path, 'HEAD'), `ref: refs/heads/${branch}\n`);
    return { path, made: true };
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

async function writeNew(workspace: Workspace, path: string, text: string): Promise<void> {
  const folder = await holdFolder(workspace, dirname(path));
  try {
    const file = await open(folder.at(basename(path)), NEW_FILE, 0o644);
    await file.writeFile(text).finally(() => file.close());
  } finally {
    await folder.close();
  }
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | HELD_FLAGS;
const FOLDERS = ['hooks', 'info', 'objects/info', 'objects/pack', 'refs/heads', 'refs/tags'];
const CONFIG =
  '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n';
/** What git finds out there for itself: names are folded, and composed. */
const ON_MACOS = '\tignorecase = true\n\tprecomposeunicode = true\n';
