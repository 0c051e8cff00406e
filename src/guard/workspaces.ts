import { realpathSync, statSync } from 'node:fs';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import type { SandboxPolicy } from './sandbox-policy.ts';

/** A folder of the config. */
export interface WorkspaceFolder {
  /** Its name in the config. */
  name: string;
  /** Absolute, symlinks resolved. */
  root: string;
}

/** A folder that a run works in, and what the run may do there and elsewhere. */
export interface Workspace extends WorkspaceFolder {
  policy: SandboxPolicy;
}

/**
 * The workspace of a name, as it is on disk now. Throws `workspace_unknown` for a name the config does not have, and
 * `workspace_missing` for a folder that vanished or is none.
 */
export function openWorkspace(folders: Readonly<Record<string, string>>, asked?: unknown): WorkspaceFolder {
  const name = asked ?? 'default';
  if (typeof name !== 'string') {
    throw new RunmeshError('workspace_unknown', 'metadata.workspace is not the name of a workspace.');
  }
  const folder = Object.hasOwn(folders, name) ? folders[name] : undefined;
  if (folder === undefined) {
    const known = Object.keys(folders);
    const there = known.length > 0 ? `This device has: ${known.join(', ')}.` : 'This device has none.';
    throw new RunmeshError(
      'workspace_unknown',
      `There is no workspace named "${name}". ${there} Add it with \`runmesh config set workspaces.${name} FOLDER\`.`,
    );
  }
  try {
    const root = realpathSync(folder);
    if (statSync(root).isDirectory()) return { name, root };
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(codeOf(error))) throw error;
  }
  throw new RunmeshError(
    'workspace_missing',
    `The folder of workspace "${name}", ${folder}, cannot be opened. Bring it back, or set another with \`runmesh config set workspaces.${name} FOLDER\`.`,
  );
}
