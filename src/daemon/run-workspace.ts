import { join } from 'node:path';
import type { DeviceConfig } from '../device/config-schema.ts';
import type { DevicePaths } from '../device/paths.ts';
import { isInside, realAsFarAsThere } from '../guard/paths.ts';
import { runFolder } from '../guard/run-folder.ts';
import { isWritable, sandboxPolicy } from '../guard/sandbox-policy.ts';
import { openWorkspace, type Workspace } from '../guard/workspaces.ts';
import { isRunmeshError, RunmeshError } from '../kit/errors.ts';
import { installFolder } from '../kit/version.ts';
import { whyNoSandbox } from '../leash/sandbox-probe.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { sandboxRequest } from '../protocol/sandbox.ts';

export interface RunPlaces {
  config: DeviceConfig;
  paths: DevicePaths;
  homedir: string;
  platform: NodeJS.Platform;
  /** Where this program is installed. */
  program: readonly string[];
}

/**
 * Where a run works and what it may touch, out of the device's config and what the run asks to have less of. Throws
 * `workspace_unknown`, `workspace_missing`, `sandbox_invalid`, and `sandbox_unavailable` where the machine has no sandbox
 * and the owner has not said that runs go without.
 */
export function createRunWorkspaces(
  places: RunPlaces,
  whyNone: (platform: NodeJS.Platform) => string | undefined = whyNoSandbox,
): (order: Pick<DispatchOrder, 'runId' | 'metadata'>) => Workspace {
  const { config, paths, homedir, platform, program } = places;
  const inHome = (path: string) => (path.startsWith('~/') ? join(homedir, path.slice(2)) : path);
  const own = [paths.home, paths.logs, paths.socket, paths.temporary];
  let works = false;

  /** Asked until there is one, so that installing it helps without a restart. */
  const sandboxed = (): boolean => {
    if (works) return true;
    const why = whyNone(platform);
    works = why === undefined;
    if (works || config.sandbox.unavailable === 'run-unsandboxed') return works;
    throw new RunmeshError(
      'sandbox_unavailable',
      `Runs need a sandbox, and this machine has none that works. ${why} To let runs work without one, as you: \`runmesh config set sandbox.unavailable run-unsandboxed\`.`,
    );
  };

  return ({ runId, metadata }) => {
    const folder = openWorkspace(config.workspaces, metadata.workspace);
    if (own.some((path) => isInside(realAsFarAsThere(path), folder.root))) {
      throw new RunmeshError(
        'workspace_missing',
        `The folder of workspace "${folder.name}", ${folder.root}, is where this program keeps its own state: a run there could change what runs may do. Set another with \`runmesh config set workspaces.${folder.name} FOLDER\`.`,
      );
    }
    const asked = sandboxRequest.optional().safeParse(metadata.sandbox);
    if (!asked.success) {
      throw new RunmeshError(
        'sandbox_invalid',
        'metadata.sandbox is not understood, so nothing was run. It may have "mode" (read-only, workspace-write) and "network" (off, or a list of domains).',
      );
    }
    const { mode, network, readable, writable } = config.sandbox;
    const policy = sandboxPolicy({
      choice: { mode, network, readable: readable.map(inHome), writable: writable.map(inHome) },
      asked: asked.data,
      workspace: folder.root,
      temporary: realAsFarAsThere(runFolder(paths.temporary, runId)),
      places: { home: homedir, platform, own, program },
      sandboxed: mode === 'danger-full-access' || sandboxed(),
      real: realAsFarAsThere,
    });
    if (policy.mode === 'workspace-write' && !isWritable(policy, folder.root)) {
      throw new RunmeshError(
        'workspace_missing',
        `The folder of workspace "${folder.name}", ${folder.root}, is where this computer’s programs or start-up files are kept, which no run changes: a run there could change nothing. Set another with \`runmesh config set workspaces.${folder.name} FOLDER\`, or let runs only read: \`runmesh config set sandbox.mode read-only\`.`,
      );
    }
    return { ...folder, policy };
  };
}

/** Why no run can work in the workspace of this name, a missing sandbox left aside; `undefined` where one can. */
export function whyNoRunIn(places: RunPlaces, workspace: string): string | undefined {
  try {
    createRunWorkspaces(places, () => undefined)({ runId: 'doctor', metadata: { workspace } });
    return undefined;
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    return error.message;
  }
}

/** Where this program is installed. */
export function programFolders(): string[] {
  return ['dist', 'node_modules'].map((name) => join(installFolder(), name));
}
