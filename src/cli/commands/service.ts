import { formatTable } from '../../control/words/format.ts';
import { type Service, type ServiceManager, type ServiceState, tellLastExit } from '../../service/ports.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { waitUntilRegistered } from '../registered.ts';
import {
  assertOurs,
  assertStartable,
  daemonVitals,
  definitionOf,
  isByHand,
  serviceOf,
} from '../service-world.ts';

export interface ServiceInstallOptions {
  printPlist?: boolean;
  printUnit?: boolean;
  wait: number;
}

export async function installServiceCommand(
  context: CliContext,
  output: Output,
  { printPlist, printUnit, wait }: ServiceInstallOptions,
): Promise<number> {
  if (printPlist || printUnit) return printDefinition(context, output, printPlist ? 'plist' : 'unit');
  const service = serviceOf(context);
  assertOurs(context, service);
  const definition = await definitionOf(context);
  await assertStartable(context, service);
  const notes = await service.install(definition);
  return reportStarted(context, output, service, { verb: 'install', notes, wait });
}

export async function startServiceCommand(
  context: CliContext,
  output: Output,
  verb: 'start' | 'restart',
  { wait }: { wait: number },
): Promise<number> {
  const service = serviceOf(context);
  assertOurs(context, service);
  await assertStartable(context, service);
  const notes = await service[verb]();
  return reportStarted(context, output, service, { verb, notes, wait });
}

export async function stopServiceCommand(
  context: CliContext,
  output: Output,
  verb: 'stop' | 'uninstall',
): Promise<number> {
  const service = serviceOf(context);
  assertOurs(context, service);
  const notes = await service[verb]();
  output.tell({ type: 'service', verb, notes, ...(await service.status()), file: service.file });
  for (const note of notes) output.say(note);
  if (notes.length === 0 || verb === 'stop')
    output.say(
      verb === 'stop' ? 'The service is stopped.' : 'The service is uninstalled. The device stays linked.',
    );
  return 0;
}

/** What the system says of the service, and what its daemon says of itself; exit 1 where it does not run. */
export async function serviceStatusCommand(context: CliContext, output: Output): Promise<number> {
  const service = serviceOf(context);
  const state = await service.status();
  const installed = service.installed();
  const daemon = await daemonVitals(context);
  const ours = daemon !== undefined && !isByHand(daemon, state);
  const registered = ours && daemon.connection.sessionId !== null;
  output.tell({
    type: 'service',
    verb: 'status',
    ...state,
    file: service.file,
    folder: installed?.folder ?? null,
    command: installed?.command ?? null,
    registered,
    version: ours ? daemon.version : null,
  });
  const rows = [
    ['service', describeState(state, service.manager)],
    ['file', state.installed ? service.file : `${service.file} (missing)`],
    ...(installed === undefined
      ? []
      : [
          ['runs', installed.command.join(' ') || DAMAGED],
          ['for', installed.folder || DAMAGED],
        ]),
    ['mesh', describeRegistration(daemon, ours)],
  ];
  for (const line of formatTable(rows)) output.say(line);
  if (!state.installed) output.say('Next: runmesh service install');
  else if (!state.running) output.say('Next: runmesh service start');
  return state.running ? 0 : 1;
}

async function reportStarted(
  context: CliContext,
  output: Output,
  service: Service,
  { verb, notes, wait }: { verb: string; notes: string[]; wait: number },
): Promise<number> {
  for (const note of notes) output.say(note);
  output.say('Waiting until the daemon has registered with the mesh …');
  const daemon = await waitUntilRegistered(context, wait * 1_000);
  const state = await service.status();
  output.tell({
    type: 'service',
    verb,
    notes,
    ...state,
    file: service.file,
    registered: true,
    deviceId: daemon.deviceId,
    version: daemon.version,
  });
  output.say(
    `The service runs (${describeState(state, service.manager)}, version ${daemon.version}) and is registered as ${daemon.deviceId}.`,
  );
  return 0;
}

async function printDefinition(context: CliContext, output: Output, what: 'plist' | 'unit'): Promise<number> {
  const definition = await definitionOf({ ...context, platform: what === 'plist' ? 'darwin' : 'linux' });
  const text =
    what === 'plist'
      ? (await import('../../service/launchd/render-plist.ts')).renderPlist(definition, 'Aqua')
      : (await import('../../service/systemd/render-unit.ts')).renderUnit(definition);
  output.tell({ type: 'service_definition', text });
  output.say(text.trimEnd());
  return 0;
}

function describeState(
  { installed, loaded, disabled, running, pid, domain, ...state }: ServiceState,
  manager: ServiceManager,
): string {
  if (running) return `pid ${pid}, ${domain ?? 'not by the system'}`;
  if (!installed) return 'not installed';
  const why = disabled
    ? 'disabled'
    : loaded
      ? `loaded in ${domain}, but no process`
      : 'installed, not started';
  const exit = tellLastExit(manager, state);
  return exit === undefined ? why : `${why}; ${exit}`;
}

function describeRegistration(daemon: Awaited<ReturnType<typeof daemonVitals>>, ours: boolean): string {
  if (daemon === undefined) return 'the daemon does not answer';
  const doing = `${daemon.connection.doing} (device ${daemon.deviceId}, version ${daemon.version})`;
  return ours ? doing : `${doing}; this daemon, pid ${daemon.pid}, was started by hand`;
}

const DAMAGED = 'the file is damaged and does not say: runmesh service install';
