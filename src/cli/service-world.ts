import { existsSync, realpathSync, statSync, truncateSync } from 'node:fs';
import { connectControl } from '../control/client.ts';
import type { DaemonVitals } from '../control/contract.ts';
import { readConfig } from '../device/config.ts';
import { prepareFolders } from '../device/paths.ts';
import { isRunmeshError, RunmeshError } from '../kit/errors.ts';
import { defineService, type ServiceDefinition, serviceLog } from '../service/definition.ts';
import { findNode } from '../service/find-node.ts';
import type { Service, ServiceState } from '../service/ports.ts';
import { createRunCommand } from '../service/run-command.ts';
import { openService } from '../service/service.ts';
import { serviceProgram } from '../service/versions/versions.ts';
import type { CliContext } from './context.ts';
import { pathsOf } from './device-world.ts';

export function serviceOf(context: CliContext): Service {
  return openService({ ...context, run: createRunCommand(context.env) });
}

/** The service as this program, on this machine, would install it. Throws `program_temporary` where it will not last. */
export async function definitionOf(context: CliContext): Promise<ServiceDefinition> {
  const paths = pathsOf(context);
  const own = { program: realpathSync(context.programFile), version: context.version };
  const program = serviceProgram(paths, own);
  if (program.includes('/_npx/')) {
    throw new RunmeshError(
      'program_temporary',
      `${program} is in npx's cache, which is emptied without asking. Install it first: npm install --global runmesh-agent`,
    );
  }
  const node = await findNode(context.nodeFile, createRunCommand(context.env));
  return defineService({ ...context, paths, config: readConfig(paths), node, program });
}

/** Throws where a service started now could only fail: no account, or a daemon that somebody runs by hand. */
export async function assertStartable(context: CliContext, service: Service): Promise<void> {
  const paths = pathsOf(context);
  prepareFolders(paths);
  if (readConfig(paths).mesh === undefined) {
    throw new RunmeshError(
      'not_linked',
      'This device is not linked to an account. Run `runmesh link` first.',
    );
  }
  const daemon = await daemonVitals(context);
  if (daemon !== undefined && isByHand(daemon, await service.status())) {
    throw new RunmeshError(
      'already_running',
      `A daemon (pid ${daemon.pid}) already runs on this home, and not as the service. Stop it first: Ctrl-C where it runs, or kill ${daemon.pid}.`,
      { details: { pid: daemon.pid } },
    );
  }
  const log = serviceLog(paths);
  if (existsSync(log) && statSync(log).size > MOST_LOG_BYTES) truncateSync(log);
}

/** One user has one service. Throws `service_other_home` where it is another device's than this; a damaged file is anybody's to replace. */
export function assertOurs(context: CliContext, service: Service): void {
  const { home } = pathsOf(context);
  const installed = service.installed();
  if (installed === undefined || installed.folder === '' || installed.folder === home) return;
  throw new RunmeshError(
    'service_other_home',
    `The service of this user is that of another device, in ${installed.folder}. For that one, set RUNMESH_HOME to its folder; to have this one instead, \`runmesh service uninstall\` there first.`,
  );
}

/** What the daemon, of whatever version, says of itself; undefined where none runs, or where it answers nobody. */
export async function daemonVitals(context: CliContext): Promise<DaemonVitals | undefined> {
  try {
    return await connectControl(pathsOf(context).socket).vitals();
  } catch (error) {
    if (isRunmeshError(error, 'daemon_not_running') || isRunmeshError(error, 'daemon_unreachable'))
      return undefined;
    throw error;
  }
}

/** What launchd prints is no interface, so a pid that it does not show is not held against a daemon that calls itself one. */
export function isByHand(daemon: DaemonVitals, state: Pick<ServiceState, 'pid'> | undefined): boolean {
  return daemon.pid !== state?.pid && !(state !== undefined && daemon.asService === true);
}

/** Neither launchd nor systemd rotates what a service prints. */
const MOST_LOG_BYTES = 1_000_000;
