import { createParser } from 'eventsource-parser';
import { backoffWindow } from '../../kit/backoff.ts';
import type { Clock } from '../../kit/clock.ts';
import { isRunmeshError } from '../../kit/errors.ts';
import type { Random } from '../../kit/random.ts';
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
 * Starts a run and follows it to its end. A stream that is cut is taken up where it was, by the id of the last durable
 * event; only a mesh that cannot be reached for two minutes ends the following (never the run).
 */
export async function followRun(options: FollowOptions): Promise<{ runId: string }> {
  const { mesh, request, clock, random, signal } = options;
  const first = await callMesh(mesh, 'POST', '/v1/run', { body: request, signal });
  const runId = first.headers.get('x-run-id') ?? '';
  options.onRun({ runId, threadId: first.headers.get('x-thread-id') ?? '' });
  const progress: Progress = { lastId: undefined, ended: false };
  let response: Response | undefined = first;
  let failures = 0;
  let failingSince = 0;
  for (;;) {
    try {
      response ??= await resume(mesh, runId, progress, signal);
      if (response.status === 204) return { runId };
      await readFrames(response, progress, options.onFrame);
      if (progress.ended) return { runId };
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (isRunmeshError(error) && !error.retryable) throw error;
      if (failures === 0) failingSince = clock.monotonic();
      if (clock.monotonic() - failingSince > GIVE_UP_MS) throw error;
      failures += 1;
    }
    response = undefined;
    const { before, after } = backoffWindow(failures, random.unit(), BACKOFF);
    await clock.sleep(before + after, signal);
    signal.throwIfAborted();
  }
}

interface Progress {
  lastId: string | undefined;
  ended: boolean;
}

function resume(
  mesh: MeshAccess,
  runId: string,
  { lastId }: Progress,
  signal: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
  return callMesh(mesh, 'GET', `/v1/run/${encodeURIComponent(runId)}/events`, { headers, signal });
}

async function readFrames(
  response: Response,
  progress: Progress,
  onFrame: (frame: RunFrame) => void,
): Promise<void> {
  const parser = createParser({
    onEvent: ({ id, data }) => {
      const frame = JSON.parse(data) as RunFrame;
      if (id !== undefined) progress.lastId = id;
      if (frame.type === 'run_completed') progress.ended = true;
      onFrame(frame);
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
}

const BACKOFF = { baseMs: 250, maxMs: 10_000 };
const GIVE_UP_MS = 120_000;
