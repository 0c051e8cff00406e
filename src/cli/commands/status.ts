import { connectControl } from '../../control/client.ts';
import type { DaemonStatus } from '../../control/contract.ts';
import { readConfig } from '../../device/config.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { formatDuration, formatPlural, formatTable, formatUsage } from '../render/format.ts';
import { describePause } from '../render/pause-words.ts';

/** What the daemon is doing; exit 1 where none runs. */
export async function statusCommand(context: CliContext, output: Output): Promise<number> {
  const paths = pathsOf(context);
  try {
    const status = await connectControl(paths.socket).status();
    output.tell({ type: 'status', up: true, ...status });
    for (const line of formatTable(rowsOf(status, context.clock.now()))) output.say(line);
    return 0;
  } catch (error) {
    if (!isRunmeshError(error, 'daemon_not_running')) throw error;
    const { mesh } = readConfig(paths);
    output.tell({
      type: 'status',
      up: false,
      deviceId: mesh?.deviceId ?? null,
      meshUrl: mesh?.url ?? null,
    });
    output.say(
      mesh === undefined ? 'This device is not linked.' : `Linked to ${mesh.url} as ${mesh.deviceId}.`,
    );
    output.say('The daemon does not run. Start it with `runmesh daemon`.');
    return 1;
  }
}

function rowsOf(status: DaemonStatus, now: number): string[][] {
  const { connection } = status;
  const heard =
    connection.lastHeardSeconds === null
      ? 'never'
      : `${formatDuration(connection.lastHeardSeconds * 1_000)} ago`;
  const through = connection.through === null ? '' : ` through ${connection.through}`;
  const running = status.running.map(
    ({ runId, agent, step, seconds }) =>
      `${agent} ${runId}, step ${step}, ${formatDuration(seconds * 1_000)}`,
  );
  return [
    ['device', `${status.label} (${status.deviceId ?? 'not linked'})`],
    ['mesh', `${status.meshUrl ?? 'none'}${through}`],
    ['link', `${connection.doing}; last heard from the mesh ${heard}`],
    ...status.paused.map((reason) => ['paused', describePause(reason)]),
    ['runs', `${formatPlural(status.running.length, 'run')} active, ${status.queued} waiting`],
    ...running.map((line) => ['', line]),
    ['today', formatUsage(status.usageToday)],
    ['secrets', status.secretStore],
    ...(status.journalSetAside === null
      ? []
      : [['journal', `was damaged and begun anew; the old one is ${status.journalSetAside}`]]),
    [
      'daemon',
      `version ${status.version}, pid ${status.pid}, ${Math.round(status.rssBytes / 1_048_576)} MB, since ${status.startedAt}`,
    ],
    ...Object.entries(status.loops).map(([name, loop]) => [
      `  ${name}`,
      `${loop.doing} (${formatDuration(now - loop.since)})`,
    ]),
  ];
}
