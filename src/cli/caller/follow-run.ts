import { createParser } from 'eventsource-parser';
import { backoffWindow } from '../../kit/backoff.ts';
import type { Clock } from '../../kit/clock.ts';
import { isRunmeshError, RunmeshError } from '../../kit/errors.ts';
import type { Random } from '../../kit/random.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { RunRequest } from '../../protocol/run-api.ts';
import type { RunFrame } from '../render/run-renderer.ts';
import { callMesh, type MeshAccess } from './mesh-client.ts';

export interface FollowOptions {
  mesh: MeshAccess;
  request: RunRequest;
  clock: Clock;
  random: Random;
  signal: AbortSignal;
  /** The run is registered. */
  onRun(run: { runId: string; threadId: string }): void;
  onFrame(frame: RunFrame): void;
}

/**
 * Starts a run and follows it to its end. A stream that is cut, or silent for longer than the mesh's comments allow, is
 * taken up where it was, by the id of the last durable event; only a mesh that says nothing for two minutes ends the
 * following (never the run). A start whose answer was cut is sent again under the same `Idempotency-Key`.
 */
export async function followRun(options: FollowOptions): Promise<void> {
  const { clock, random, signal } = options;
  const following: Following = { key: random.uuid(), heardAt: clock.monotonic(), frames: 0, ended: false };
  let failures = 0;
  for (;;) {
    const framesBefore = following.frames;
    let failure: unknown;
    try {
      await followOnce(options, following);
      if (following.ended) return;
    } catch (error) {
      signal.throwIfAborted();
      if (!mayTryAgain(error, following)) throw error;
      failure = error;
    }
    if (clock.monotonic() - following.heardAt > GIVE_UP_MS) throw failure ?? lost(following);
    failures = following.frames > framesBefore ? 0 : failures + 1;
    const { before, after } = backoffWindow(failures, random.unit(), BACKOFF);
    await clock.sleep(before + after, signal);
    signal.throwIfAborted();
  }
}

/** Where a caller is in a run. */
interface Following {
  /** The start's `Idempotency-Key`. */
  key: string;
  runId?: string;
  /** The last durable event's id. */
  lastId?: string;
  frames: number;
  /** When anything came from the mesh, comments included, by the monotonic clock. */
  heardAt: number;
  ended: boolean;
}

/** One stream, from its start or its resumption until it ends or breaks. */
async function followOnce(options: FollowOptions, following: Following): Promise<void> {
  const { clock, signal } = options;
  const over = new AbortController();
  const cut = AbortSignal.any([signal, over.signal]);
  try {
    const response = await openStream(options, following, cut);
    following.heardAt = clock.monotonic();
    void cutSilence(clock, following, over);
    if (response.status === 204) following.ended = true;
    else await readFrames(response, options, following);
  } finally {
    over.abort();
  }
}

async function openStream(
  options: FollowOptions,
  following: Following,
  signal: AbortSignal,
): Promise<Response> {
  const { mesh, request } = options;
  const { runId, lastId, key } = following;
  if (runId !== undefined) {
    const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
    return callMesh(mesh, 'GET', `/v1/run/${encodeURIComponent(runId)}/events`, { headers, signal });
  }
  const headers = { 'idempotency-key': key };
  const response = await callMesh(mesh, 'POST', '/v1/run', { body: request, headers, signal });
  const started = response.headers.get('x-run-id');
  if (started === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    throw new RunmeshError(
      'not_streamed',
      `${mesh.url} answered without a stream of events: the key is perhaps the device's own. Use a key of the account, or --here.`,
    );
  }
  following.runId = started;
  options.onRun({ runId: started, threadId: response.headers.get('x-thread-id') ?? '' });
  return response;
}

async function readFrames(
  response: Response,
  { clock, onFrame }: FollowOptions,
  following: Following,
): Promise<void> {
  const parser = createParser({
    onEvent: ({ id, data }) => {
      const frame = JSON.parse(data) as RunFrame;
      if (id !== undefined) following.lastId = id;
      if (frame.type === 'run_completed') following.ended = true;
      following.frames += 1;
      onFrame(frame);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    following.heardAt = clock.monotonic();
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (following.ended) return;
  }
}

/** A link that died without a word (a closed lid, a lost network) shows only by the comments that do not come. */
async function cutSilence(clock: Clock, following: Following, over: AbortController): Promise<void> {
  while (!over.signal.aborted) {
    const left = SILENCE_MS - (clock.monotonic() - following.heardAt);
    if (left <= 0) over.abort();
    else await clock.sleep(left, over.signal);
  }
}

/** What the mesh refused stays refused; and who never reached it should hear so at once. */
function mayTryAgain(error: unknown, { runId }: Following): boolean {
  if (!isRunmeshError(error)) return true;
  return runId === undefined ? error.details.cut === true : error.retryable;
}

function lost({ runId }: Following): RunmeshError {
  return new RunmeshError(
    'stream_lost',
    `Nothing was heard of run ${runId} for two minutes; it may still go on. Ask the mesh for it later.`,
  );
}

const BACKOFF = { baseMs: 250, maxMs: 10_000 };
const GIVE_UP_MS = 120_000;
const SILENCE_MS = 3 * LIMITS.sseCommentMs;
