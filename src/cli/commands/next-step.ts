import { connectControl } from '../../control/client.ts';
import { readConfig } from '../../device/config.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';

/** `runmesh` alone: what to do next on this device. */
export async function nextStepCommand(context: CliContext, output: Output): Promise<number> {
  const { next, why } = await nextStep(context);
  output.tell({ type: 'next_step', next, why });
  output.say(`${why}\nNext: ${output.paint('bold', next)}\nAll commands: runmesh --help`);
  return 0;
}

async function nextStep(context: CliContext): Promise<{ next: string; why: string }> {
  const paths = pathsOf(context);
  const { mesh, workspaces } = readConfig(paths);
  if (mesh === undefined) {
    return {
      next: 'runmesh link',
      why: 'This device is not linked to an account. To only look around: runmesh demo',
    };
  }
  if (Object.keys(workspaces).length === 0) {
    return {
      next: 'runmesh config set workspaces.default FOLDER',
      why: 'Linked, but runs have no folder to work in.',
    };
  }
  try {
    await connectControl(paths.socket).status();
    return { next: 'runmesh status', why: 'Linked, and the daemon runs.' };
  } catch (error) {
    if (!isRunmeshError(error, 'daemon_not_running')) throw error;
    return { next: 'runmesh daemon', why: 'Linked, but the daemon does not run.' };
  }
}
