import { connectControl } from '../../control/client.ts';
import type { DaemonStatus } from '../../control/contract.ts';
import { readConfig } from '../../device/config.ts';
import { readStop } from '../../device/last-stop.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { Redrawn } from '../render/redrawn.ts';
import { statusLines } from '../render/status-rows.ts';
import { stopWords } from '../render/stop-words.ts';

/** What the daemon is doing; exit 1 where none runs. */
export async function statusCommand(
  context: CliContext,
  output: Output,
  { watch = false }: { watch?: boolean } = {},
): Promise<number> {
  if (watch) return watchStatus(context, output);
  const status = await askDaemon(context);
  tell(context, output, status);
  const lines = status === undefined ? await downLines(context) : statusLines(status, context.clock.now());
  for (const line of lines) output.say(line);
  return status === undefined ? 1 : 0;
}

/** Looks every second until it is stopped, also while no daemon runs. */
async function watchStatus(context: CliContext, output: Output): Promise<number> {
  const stop = new AbortController();
  const forget = context.onSignal(() => stop.abort());
  const signal = AbortSignal.any([stop.signal, context.unread]);
  const screen = new Redrawn(output.screen);
  while (!signal.aborted) {
    const status = await askDaemon(context);
    tell(context, output, status);
    const lines = status === undefined ? await downLines(context) : statusLines(status, context.clock.now());
    if (!output.json) screen.draw([...lines, '', 'Ctrl-C stops.']);
    await context.clock.sleep(LOOK_MS, signal);
  }
  forget();
  return 0;
}

async function askDaemon(context: CliContext): Promise<DaemonStatus | undefined> {
  try {
    return await connectControl(pathsOf(context).socket).status();
  } catch (error) {
    if (!isRunmeshError(error, 'daemon_not_running')) throw error;
    return undefined;
  }
}

function tell(context: CliContext, output: Output, status: DaemonStatus | undefined): void {
  if (status !== undefined) return output.tell({ type: 'status', up: true, ...status });
  const paths = pathsOf(context);
  const { mesh } = readConfig(paths);
  const stopped = mesh === undefined ? undefined : readStop(paths, mesh.deviceId);
  output.tell({
    type: 'status',
    up: false,
    deviceId: mesh?.deviceId ?? null,
    meshUrl: mesh?.url ?? null,
    stopped: stopped === undefined ? null : { why: stopped.why, reason: stopped.reason, at: stopped.at },
  });
}

async function downLines(context: CliContext): Promise<string[]> {
  const paths = pathsOf(context);
  const { mesh } = readConfig(paths);
  if (mesh === undefined) return ['This device is not linked.', 'Next: runmesh link'];
  const stopped = readStop(paths, mesh.deviceId);
  if (stopped !== undefined) {
    const { why, next } = stopWords(stopped, mesh.url, context.clock.now());
    return [why, `Next: ${next}`];
  }
  return [`Linked to ${mesh.url} as ${mesh.deviceId}.`, await howToStart(context)];
}

/** The daemon that nobody runs: by the system, where it knows it, or by hand. */
async function howToStart(context: CliContext): Promise<string> {
  const { serviceOf } = await import('../service-world.ts');
  const service = await serviceOf(context)
    .status()
    .catch(() => undefined);
  if (service?.installed !== true)
    return 'The daemon does not run. Start it with `runmesh daemon`, or `runmesh service install`.';
  return service.running
    ? 'The service runs, and its daemon does not answer yet.'
    : 'The service does not run. Start it with `runmesh service start`.';
}

const LOOK_MS = 1_000;
