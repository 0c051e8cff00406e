import { closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import type { DoctorWorld } from './world.ts';

type World = Pick<DoctorWorld, 'config' | 'platform' | 'nodeFile' | 'whyNoRunIn'>;

/** Lists each workspace and reads a file of it: on macOS a folder can be written to and yet not listed. */
export async function lookAtWorkspaces(world: World): Promise<Finding[]> {
  const workspaces = Object.entries(world.config.workspaces);
  if (workspaces.length === 0) {
    return [
      {
        code: 'workspace_none',
        title: 'Workspaces',
        severity: 'fault',
        says: 'Runs have no folder to work in.',
        todo: 'runmesh config set workspaces.default FOLDER',
      },
    ];
  }
  return Promise.all(workspaces.map(([name, folder]) => lookAtWorkspace(world, name, folder)));
}

async function lookAtWorkspace(world: World, name: string, folder: string): Promise<Finding> {
  const title = `Workspace ${name}`;
  try {
    if (!statSync(folder).isDirectory()) return absent(title, name, folder, 'is not a folder');
    readOneFile(folder);
    await access(folder, constants.W_OK);
    const why = world.whyNoRunIn(name);
    if (why !== undefined) return { code: 'workspace_unfit', title, severity: 'fault', says: why };
    return { code: 'workspace', title, severity: 'ok', says: `${folder} can be read and written.` };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent(title, name, folder, 'is not there');
    return {
      code: 'workspace_denied',
      title,
      severity: 'fault',
      says: `${folder} is there, and this process may not use it (${code}).`,
      todo:
        world.platform === 'darwin'
          ? `System Settings > Privacy & Security > Full Disk Access: add ${world.nodeFile}, then runmesh service restart.`
          : `Give your user the right to it: ls -ld "${folder}"`,
    };
  }
}

function absent(title: string, name: string, folder: string, how: string): Finding {
  return {
    code: 'workspace_absent',
    title,
    severity: 'fault',
    says: `${folder} ${how}.`,
    todo: `Make it, or: runmesh config set workspaces.${name} FOLDER`,
  };
}

function readOneFile(folder: string): void {
  const file = readdirSync(folder, { withFileTypes: true }).find((entry) => entry.isFile());
  if (file === undefined) return;
  const fd = openSync(join(folder, file.name), 'r');
  try {
    readSync(fd, Buffer.alloc(1));
  } finally {
    closeSync(fd);
  }
}
