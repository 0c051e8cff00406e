import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type ControlClient, connectControl } from '../../src/control/client.ts';
import type { DaemonStatus, LocalRun } from '../../src/control/contract.ts';
import type { PageSurroundings } from '../../src/control/page/page.ts';
import type { ControlPorts } from '../../src/control/ports.ts';
import { startControlServer } from '../../src/control/server.ts';
import { type Clock, systemClock } from '../../src/kit/clock.ts';
import { createLog, type Log } from '../../src/kit/log.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { tempDir } from '../support/temp.ts';

export const SILENT_LOG = createLog({ level: 'silent', destination: { write: () => {} } });

export const STATUS: DaemonStatus = {
  deviceId: 'dev_1',
  orgId: 'org_1',
  label: 'test mac',
  meshUrl: 'http://127.0.0.1:4780',
  connection: { doing: 'connected', lastHeardSeconds: 1, through: null, sessionId: 'ses_1' },
  loops: { link: { doing: 'waiting for frames', since: 1_000 } },
  queued: 1,
  running: [{ runId: 'run_1', agent: 'fixer', step: 2, seconds: 3 }],
  approvals: 0,
  paused: ['disk_full'],
  secretStore: 'file',
  power: { source: 'battery', percent: 80, keepingAwake: false, keepAwake: 'ac', lastWake: null },
  journalSetAside: null,
  version: '0.1.0',
  asService: false,
  pid: 42,
  startedAt: '2026-01-01T00:00:00.000Z',
  rssBytes: 50_000_000,
  usageToday: { ...NO_USAGE, inputTokens: 1_200, outputTokens: 30, totalTokens: 1_230 },
};

export const RUN: LocalRun = {
  runId: 'run_1',
  threadId: 'thr_1',
  rolloutId: 'rol_1',
  agent: 'fixer',
  origin: 'dispatched',
  status: 'completed',
  attempt: 1,
  acceptedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:05.000Z',
  result: 'done',
  usage: NO_USAGE,
  iterations: 2,
  committed: 7,
  acked: 7,
};

/** Ports of a device that knows one run; a test replaces those it is about. */
export function portsWith(some: Partial<ControlPorts> = {}): ControlPorts {
  return {
    status: () => STATUS,
    listRuns: (limit) => [RUN].slice(0, limit),
    history: () => ({ runs: [], next: null }),
    usage: () => [],
    logs: async function* () {},
    readRun: (runId) => (runId === RUN.runId ? RUN : undefined),
    runEvents: async function* () {},
    cancel: () => {},
    steer: () => {},
    listApprovals: () => [],
    answerApproval: () => {},
    here: async function* () {},
    pause: () => ['owner'],
    resume: () => [],
    reload: () => ({ applied: [], restart: [] }),
    stop: () => {},
    doctor: async () => ({ asService: false, findings: [] }),
    ...some,
  };
}

/** The page's own files, as the build made them, and the rest of its world. */
export function surroundings(folder: string, clock: Clock = systemClock): PageSurroundings {
  return { clock, random: systemRandom, files: PAGE_FILES, opener: join(folder, 'page.html') };
}

export const PAGE_FILES = fileURLToPath(new URL('../../dist/control/page/files', import.meta.url));

export interface OpenDoor {
  socketPath: string;
  client: ControlClient;
  close(): Promise<void>;
}

/** A real local door on a socket of its own, closed when the test is over. */
export async function openDoor(
  some: Partial<ControlPorts> = {},
  socketPath = join(tempDir(), 'daemon.sock'),
  { clock = systemClock, log = SILENT_LOG }: { clock?: Clock; log?: Log } = {},
): Promise<OpenDoor> {
  const server = await startControlServer({
    socketPath,
    ports: portsWith(some),
    log,
    page: surroundings(dirname(socketPath), clock),
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= server.close();
    return closing;
  };
  onTestFinished(close);
  return { socketPath, client: connectControl(socketPath), close };
}

/** A plain HTTP call to the socket, for what the client never sends. */
export function callDoor(
  socketPath: string,
  call: { method?: string; path: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', path, headers = {} } = call;
    const sent = request({ socketPath, method, path, headers, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sent.on('error', reject);
    sent.end(call.body);
  });
}
