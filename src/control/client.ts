import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { codeOf, isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import type { ApprovalAnswer } from '../protocol/approvals.ts';
import type { RunRequest } from '../protocol/run-api.ts';
import {
  approvalAnswered,
  cancelled,
  controlError,
  type DaemonStatus,
  type DaemonVitals,
  daemonStatus,
  daemonVitals,
  errorLine,
  type Findings,
  findings,
  type HistoryPage,
  type HistoryQuery,
  historyPage,
  type LocalRun,
  type LocalRunItem,
  localRun,
  localRunItem,
  type PageAsked,
  type PauseMode,
  type PendingQuestion,
  pageAsked,
  pauseAnswer,
  pendingQuestion,
  type ReloadAnswer,
  reloadAnswer,
  type StreamLine,
  steered,
  stopping,
  streamLine,
} from './contract.ts';
import { lookAtSocket } from './look-at-socket.ts';
import { readLines } from './ndjson.ts';

/** The local API as its callers use it. Every call throws `daemon_not_running` where there is nobody, `daemon_unreachable` where nobody answers. */
export interface ControlClient {
  status(): Promise<DaemonStatus>;
  /** The little of `status` that a daemon of any version answers. */
  vitals(): Promise<DaemonVitals>;
  listRuns(limit: number): Promise<LocalRunItem[]>;
  history(query: HistoryQuery): Promise<HistoryPage>;
  readRun(runId: string): Promise<LocalRun>;
  cancel(runId: string): Promise<void>;
  steer(runId: string, text: string): Promise<void>;
  /** These three answer what pauses the device then, and what of the config is in effect. */
  pause(mode: PauseMode): Promise<string[]>;
  resume(): Promise<string[]>;
  reload(): Promise<ReloadAnswer>;
  listApprovals(): Promise<PendingQuestion[]>;
  answerApproval(approvalId: string, answer: ApprovalAnswer): Promise<void>;
  stop(): Promise<void>;
  doctor(): Promise<Findings>;
  /** Opens the page in a browser's reach. */
  askPage(): Promise<PageAsked>;
  /** Ends when the run has; a stream that was cut before throws `stream_cut`. */
  runEvents(runId: string, options: { after: number; signal?: AbortSignal }): AsyncIterable<StreamLine>;
  /** As `runEvents`; the last line is the record. */
  here(request: RunRequest, signal?: AbortSignal): AsyncIterable<StreamLine>;
}

export function connectControl(socketPath: string): ControlClient {
  const call = async <T>(
    method: string,
    path: string,
    answer: z.ZodType<T>,
    { body, waitMs = CALL_MS }: { body?: unknown; waitMs?: number } = {},
  ): Promise<T> => {
    const signal = AbortSignal.timeout(waitMs);
    try {
      const response = await send(socketPath, { method, path, body, signal });
      return answer.parse(JSON.parse(await text(response)));
    } catch (error) {
      throw signal.aborted ? silent(waitMs) : error;
    }
  };
  const ofRun = (runId: string) => `/runs/${encodeURIComponent(runId)}`;
  return {
    status: () => call('GET', '/status', daemonStatus, { waitMs: STATUS_MS }),
    vitals: () => call('GET', '/status', daemonVitals, { waitMs: STATUS_MS }),
    listRuns: (limit) => call('GET', `/runs?limit=${limit}`, localRunItem.array()),
    history: ({ search, before, limit }) => {
      const query = new URLSearchParams({ search, limit: String(limit) });
      if (before !== undefined) query.set('before', String(before));
      return call('GET', `/history?${query}`, historyPage);
    },
    readRun: (runId) => call('GET', ofRun(runId), localRun),
    cancel: async (runId) => {
      await call('POST', `${ofRun(runId)}/cancel`, cancelled);
    },
    steer: async (runId, words) => {
      await call('POST', `${ofRun(runId)}/steer`, steered, { body: { text: words } });
    },
    pause: async (mode) => (await call('POST', '/pause', pauseAnswer, { body: { mode } })).paused,
    resume: async () => (await call('POST', '/resume', pauseAnswer)).paused,
    reload: () => call('POST', '/reload', reloadAnswer, { waitMs: LONG_MS }),
    listApprovals: () => call('GET', '/approvals', pendingQuestion.array()),
    answerApproval: async (approvalId, answer) => {
      await call('POST', `/approvals/${encodeURIComponent(approvalId)}`, approvalAnswered, { body: answer });
    },
    stop: async () => {
      await call('POST', '/stop', stopping);
    },
    doctor: () => call('GET', '/doctor', findings, { waitMs: LONG_MS }),
    askPage: () => call('POST', '/page', pageAsked),
    runEvents: (runId, { after, signal }) => {
      return stream(socketPath, { method: 'GET', path: `${ofRun(runId)}/events?after=${after}`, signal });
    },
    here: (runRequest, signal) => {
      return stream(socketPath, { method: 'POST', path: '/here', body: runRequest, signal });
    },
  };
}

interface Call {
  method: string;
  path: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

async function* stream(socketPath: string, call: Call): AsyncGenerator<StreamLine> {
  const response = await send(socketPath, call);
  try {
    for await (const value of readLines(response)) {
      const failure = errorLine.safeParse(value);
      if (failure.success) throw new RunmeshError(failure.data.code, failure.data.message);
      yield streamLine.parse(value);
    }
  } catch (error) {
    if (call.signal?.aborted) return;
    if (isRunmeshError(error)) throw error;
    throw new RunmeshError(
      'stream_cut',
      'The daemon went away in the middle. Start it again; the run goes on from its last step.',
      { cause: error },
    );
  } finally {
    response.destroy();
  }
}

/** Resolves with the head of a successful answer; throws what the daemon refused with. */
async function send(socketPath: string, call: Call): Promise<IncomingMessage> {
  requireOwnSocket(socketPath);
  const response = await open(socketPath, call);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  const answer = controlError.safeParse(parseJson(await text(response)));
  if (answer.success) throw new RunmeshError(answer.data.error.code, answer.data.error.message);
  throw new RunmeshError(
    'bad_answer',
    `The daemon answered ${call.method} ${call.path} with status ${status}.`,
  );
}

/** In a shared temporary folder somebody else may have made the socket; what is said to it would be theirs. */
function requireOwnSocket(socketPath: string): void {
  const owner = lookAtSocket(socketPath)?.uid;
  if (owner === undefined || process.getuid === undefined || Number(owner) === process.getuid()) return;
  throw new RunmeshError(
    'daemon_not_ours',
    `${socketPath} belongs to another user, so it is not this device’s daemon. Set RUNMESH_HOME to a folder of your own.`,
  );
}

function open(socketPath: string, { method, path, body, signal }: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = payload === undefined ? {} : { 'Content-Type': 'application/json' };
    const sent = request(
      { socketPath, method, path, headers, agent: false, ...(signal === undefined ? {} : { signal }) },
      resolve,
    );
    sent.on('error', (error) => reject(unreachable(socketPath, error)));
    sent.end(payload);
  });
}

function silent(waitMs: number): RunmeshError {
  return new RunmeshError(
    'daemon_unreachable',
    `The daemon is there and has not answered in ${waitMs / 1_000} s. If that stays so, start it anew: \`runmesh service restart\`.`,
  );
}

function unreachable(socketPath: string, cause: Error): RunmeshError {
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new RunmeshError(
      'daemon_not_running',
      'The daemon is not running. Start it with `runmesh daemon`, or where it is installed `runmesh service start`.',
      { cause },
    );
  }
  return new RunmeshError(
    'daemon_unreachable',
    `The daemon cannot be asked at ${socketPath}: ${messageOf(cause)}.`,
    {
      cause,
    },
  );
}

function parseJson(words: string): unknown {
  try {
    return JSON.parse(words);
  } catch {
    return undefined;
  }
}

/** A daemon that is only busy answers within a second or so. */
const STATUS_MS = 5_000;
const CALL_MS = 30_000;
/** What tries things with time limits of their own: names, connections, a keychain that asks for each of its items. */
const LONG_MS = 120_000;
