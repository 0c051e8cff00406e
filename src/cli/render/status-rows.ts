import type { DaemonStatus } from '../../control/contract.ts';
import {
  formatAgo,
  formatDuration,
  formatPlural,
  formatTable,
  formatUsage,
} from '../../control/words/format.ts';
import { describeStore } from '../../control/words/secret-store.ts';
import { cleanLine } from './clean.ts';
import { describePause } from './pause-words.ts';

/** What the daemon says of itself, a line each. */
export function statusLines(status: DaemonStatus, now: number): string[] {
  const { connection, running, usageToday } = status;
  const rows = [
    ['device', `${status.label} (${status.deviceId ?? 'not linked'})`],
    ['account', status.orgId ?? 'none'],
    [
      'mesh',
      `${status.meshUrl ?? 'none'}${connection.through === null ? '' : ` through ${connection.through}`}`,
    ],
    ['link', `${connection.doing}; last heard from the mesh ${heard(connection.lastHeardSeconds)}`],
    ...status.paused.map((reason) => ['paused', describePause(reason)]),
    ['runs', `${formatPlural(running.length, 'run')} active, ${status.queued} waiting`],
    ...running.map(({ runId, agent, step, seconds }) => [
      '',
      `${agent} ${runId}, step ${step + 1}, ${formatDuration(seconds * 1_000)}`,
    ]),
    ...(status.approvals > 0
      ? [['approvals', `${formatPlural(status.approvals, 'question')} for you: runmesh approvals`]]
      : []),
    ['today', formatUsage(usageToday)],
    ['power', describePower(status.power, now)],
    ['secrets', `in ${describeStore(status.secretStore)}`],
    ...(status.journalSetAside === null
      ? []
      : [['journal', `was damaged and begun anew; the old one is ${status.journalSetAside}`]]),
    ['daemon', describeDaemon(status, now)],
    ...Object.entries(status.loops).map(([name, { doing, since }]) => [
      `  ${name}`,
      `${doing} (${formatDuration(Math.max(0, now - since))})`,
    ]),
  ];
  return formatTable(rows.map((row) => row.map((cell, column) => (column === 0 ? cell : cleanLine(cell)))));
}

function heard(seconds: number | null): string {
  return seconds === null ? 'never' : `${formatDuration(seconds * 1_000)} ago`;
}

function describePower(
  { source, percent, keepingAwake, keepAwake, lastWake }: DaemonStatus['power'],
  now: number,
) {
  const battery = percent === null ? '' : ` at ${percent} %`;
  const from = {
    mains: `mains${percent === null ? '' : `, battery${battery}`}`,
    battery: `battery${battery}`,
    unknown: 'unknown',
  };
  const slept =
    lastWake === null
      ? ''
      : `; slept ${formatDuration(lastWake.sleptSeconds * 1_000)}, woke ${formatAgo(lastWake.at, now)}`;
  return `${from[source]}; ${keepingAwake ? 'kept awake for a run' : POLICIES[keepAwake]}${slept}`;
}

function describeDaemon({ version, pid, rssBytes, startedAt, asService }: DaemonStatus, now: number): string {
  const memory = `${Math.round(rssBytes / 1_048_576)} MB`;
  const by = asService ? 'as a service' : 'started by hand';
  return `version ${version}, ${by}, pid ${pid}, ${memory}, up ${formatDuration(now - Date.parse(startedAt))}`;
}

const POLICIES: Record<DaemonStatus['power']['keepAwake'], string> = {
  ac: 'kept awake while a run is at work, on mains',
  always: 'kept awake while a run is at work',
  never: 'free to sleep over a run',
};
