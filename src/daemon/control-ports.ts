import { join } from 'node:path';
import { iterationsOf, usageOf } from '../agent/usage.ts';
import type { DaemonStatus, LocalRun, LocalRunItem } from '../control/contract.ts';
import type { ControlPorts } from '../control/ports.ts';
import type { Journal } from '../journal/journal.ts';
import { recordOwnerPause } from '../journal/owner-pause.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { type JournaledRun, listRuns, readRun } from '../journal/read-run.ts';
import { isoTime } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { PauseReasons } from '../kit/pause.ts';
import type { StatusTree } from '../kit/status.ts';
import type { Link, LinkStatus } from '../link/ports.ts';
import type { OrderResult, PauseReason, Runs } from '../runs/ports.ts';
import type { Credentials } from './credentials.ts';
import { startHere } from './here.ts';
import { usageOfDays, usageToday } from './local-usage.ts';
import type { OpenedDevice, World } from './open-device.ts';
import type { RunWatchers } from './run-watchers.ts';
import { tellHistory, tellLog } from './tell-history.ts';
import { watchRun } from './watch-run.ts';

export interface ControlParts {
  device: OpenedDevice;
  world: World;
  /** `undefined` while the secret store is locked. */
  credentials(): Credentials | undefined;
  journal: Journal;
  runs: Runs;
  link(): Link | undefined;
  status: StatusTree;
  watchers: RunWatchers;
  pause: PauseReasons<PauseReason>;
  startedAt: string;
  power(): Promise<DaemonStatus['power']>;
  /** Reads the provider keys again; whether they changed. */
  reloadKeys(): Promise<boolean>;
  /** Asks a locked secret store anew. */
  retrySecrets(): void;
  stop(): void;
}

/** What the local door opens onto. */
export function controlPorts(parts: ControlParts): ControlPorts {
  const { journal, runs, watchers, device, pause } = parts;
  return {
    status: () => statusOf(parts),
    listRuns: (limit) => {
      const states = runs.states();
      return listRuns(journal, limit).map((run) => itemOf(run, states));
    },
    history: (query) => {
      const states = runs.states();
      return tellHistory(journal, query, (run) => itemOf(run, states));
    },
    usage: (days) => usageOfDays(journal, device.clock, days),
    logs: (query, signal) => {
      const file = join(device.paths.logs, 'daemon.log');
      return tellLog({ file, kept: device.config.logs.kept, clock: device.clock }, query, signal);
    },
    readRun: (runId) => {
      const run = readRun(journal, runId);
      return run === undefined ? undefined : recordOf(run, journal, runs);
    },
    runEvents: (runId, after, signal) => watchRun(parts, runId, after, signal),
    cancel: (runId) => done(runs.cancel(runId, 'cancelled on this device')),
    steer: (runId, text) => done(runs.steer(runId, device.random.uuid(), text)),
    listApprovals: runs.listApprovals,
    answerApproval: (approvalId, answer, by) => done(runs.answerApproval(approvalId, answer, by)),
    here: (request, signal) => {
      const credentials = parts.credentials();
      if (credentials === undefined) throw lockedError();
      return startHere({ device, credentials, journal, runs, watchers }, request, signal);
    },
    doctor: async () =>
      (await import('./examine.ts')).examineFromDaemon(device, journal, parts.world, parts.credentials()),
    pause: (mode) => {
      recordOwnerPause(journal, true);
      pause.add('owner');
      if (mode === 'now') runs.putDown();
      return pause.list();
    },
    resume: () => {
      recordOwnerPause(journal, false);
      pause.remove('owner');
      if (parts.credentials() === undefined) parts.retrySecrets();
      return pause.list();
    },
    reload: async () => {
      const { applied, restart } = device.reloadConfig();
      runs.takeTurns();
      parts.link()?.offer();
      if (parts.credentials() === undefined) parts.retrySecrets();
      const keys = (await parts.reloadKeys()) ? ['keys'] : [];
      return { applied: [...applied, ...keys], restart };
    },
    stop: parts.stop,
  };
}

async function statusOf({
  device,
  world,
  runs,
  link,
  status,
  pause,
  power,
  startedAt,
  journal,
}: ControlParts): Promise<DaemonStatus> {
  const { state, lastHeardMs, sessionId } = link()?.status() ?? NO_LINK;
  const loops = status.snapshot();
  const now = device.clock.now();
  const active = runs.list();
  return {
    deviceId: device.mesh.deviceId,
    orgId: device.mesh.orgId,
    label: device.config.deviceLabel ?? device.hostname,
    meshUrl: device.mesh.url,
    connection: {
      doing: loops.link?.doing ?? state,
      lastHeardSeconds: lastHeardMs === undefined ? null : lastHeardMs / 1_000,
      through: device.network.proxyOf(new URL(device.mesh.url)) ?? null,
      sessionId: sessionId ?? null,
    },
    loops,
    queued: active.filter((run) => run.state === 'queued').length,
    running: active
      .filter((run) => run.state !== 'queued')
      .map(({ runId, agent, step, startedAt: since }) => ({
        runId,
        agent,
        step,
        seconds: (now - (since ?? now)) / 1_000,
      })),
    approvals: runs.listApprovals().length,
    paused: pause.list(),
    secretStore: device.secrets.kind,
    power: await power(),
    journalSetAside: journal.setAside ?? null,
    version: device.version,
    asService: world.env.RUNMESH_SERVICE !== undefined,
    pid: process.pid,
    startedAt,
    rssBytes: process.memoryUsage.rss(),
    usageToday: usageToday(journal, now),
  };
}

function itemOf(run: JournaledRun, states: ReturnType<Runs['states']>): LocalRunItem {
  const state = states.get(run.runId);
  return {
    runId: run.runId,
    threadId: run.threadId,
    agent: run.order.agent.slug,
    origin: run.origin,
    status: run.status ?? (state === 'queued' || state === undefined ? 'queued' : 'running'),
    acceptedAt: isoTime(run.acceptedAt),
    endedAt: run.endedAt === undefined ? null : isoTime(run.endedAt),
  };
}

function recordOf(run: JournaledRun, journal: Journal, runs: Runs): LocalRun {
  const events = readRunEvents(journal, run.runId);
  const end = events.findLast((event) => event.type === 'run_completed');
  const { result = null, error } = end?.type === 'run_completed' ? end.payload : {};
  return {
    ...itemOf(run, runs.states()),
    rolloutId: run.rolloutId,
    attempt: run.attempt,
    result,
    usage: usageOf(events),
    iterations: iterationsOf(events),
    ...(error && { error }),
    committed: run.committed,
    acked: run.acked,
  };
}

function lockedError(): RunmeshError {
  return new RunmeshError(
    'secrets_locked',
    'This device’s secrets cannot be read yet, so it cannot ask its mesh for a run. `runmesh status` says why.',
  );
}

function done(result: OrderResult): void {
  if (result.status === 'refused') throw new RunmeshError(result.code, result.message);
}

const NO_LINK: LinkStatus = { state: 'waiting', sessionId: undefined, lastHeardMs: undefined };
