import type { DaemonVitals } from '../../control/contract.ts';
import { readConfig } from '../../device/config.ts';
import { readStop } from '../../device/last-stop.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { ServiceState } from '../../service/ports.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { stopWords } from '../render/stop-words.ts';
import { daemonVitals, serviceOf } from '../service-world.ts';

/** `runmesh` alone: what to do next on this device. */
export async function nextStepCommand(context: CliContext, output: Output): Promise<number> {
  const { next, why } = await nextStep(context);
  output.tell({ type: 'next_step', next, why });
  output.say(`${why}\nNext: ${output.paint('bold', next)}\nAll commands: runmesh --help`);
  return 0;
}

interface Step {
  next: string;
  why: string;
}

async function nextStep(context: CliContext): Promise<Step> {
  const { mesh, workspaces } = readConfig(pathsOf(context));
  if (mesh === undefined) {
    const why = 'This device is not linked to an account. To only look around: runmesh demo';
    return { next: 'runmesh link', why };
  }
  if (Object.keys(workspaces).length === 0) {
    const next = 'runmesh config set workspaces.default FOLDER';
    return { next, why: 'Linked, but runs have no folder to work in.' };
  }
  const daemon = await daemonVitals(context);
  const stopped = daemon === undefined ? readStop(pathsOf(context), mesh.deviceId) : undefined;
  if (stopped !== undefined) return stopWords(stopped, mesh.url, context.clock.now());
  return daemon === undefined ? stepWithoutDaemon(context) : stepWithDaemon(context, daemon);
}

async function stepWithDaemon(context: CliContext, daemon: DaemonVitals): Promise<Step> {
  if (daemon.connection.sessionId === null) {
    const why = `The daemon runs and is not connected: ${daemon.connection.doing}.`;
    return { next: 'runmesh doctor', why };
  }
  const state = await serviceState(context);
  if (state === undefined || state.pid === daemon.pid) {
    return { next: 'runmesh status', why: 'Linked, and the daemon runs.' };
  }
  const why = `Linked, and the daemon runs (pid ${daemon.pid}), but only as long as somebody runs it. To have it always, stop it, then: runmesh service install`;
  return { next: 'runmesh status', why };
}

async function stepWithoutDaemon(context: CliContext): Promise<Step> {
  const state = await serviceState(context);
  if (state === undefined) return { next: 'runmesh daemon', why: 'Linked, but the daemon does not run.' };
  if (!state.installed) {
    return { next: 'runmesh service install', why: 'Linked, but nothing runs the daemon yet.' };
  }
  if (state.running)
    return { next: 'runmesh doctor', why: 'The service runs, but its daemon does not answer.' };
  return { next: 'runmesh service start', why: 'Linked and installed, but the service does not run.' };
}

/** Undefined on a machine without a service manager. */
async function serviceState(context: CliContext): Promise<ServiceState | undefined> {
  try {
    return await serviceOf(context).status();
  } catch (error) {
    if (isRunmeshError(error)) return undefined;
    throw error;
  }
}
