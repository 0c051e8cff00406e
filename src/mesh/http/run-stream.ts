import { messageOf } from '../../kit/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { MeshCore } from '../context.ts';
import { KEY_ENDED } from '../held-calls.ts';
import type { RunListener } from '../live/live-runs.ts';
import { SseCaller } from '../live/sse-caller.ts';
import { commentFrame, eventFrame, retryFrame } from '../live/sse-frames.ts';
import { readRunEvents } from '../store/read-events.ts';
import { findRunHead, type RunHead } from '../store/runs.ts';
import { type Reply, STREAMED } from './reply.ts';
import type { KeyedCall } from './route.ts';

/**
 * Answers with the run's events after `after` as SSE: what is stored, then what happens, until the run ends. A caller
 * who leaves changes nothing for the run.
 */
export function streamRun(
  core: MeshCore,
  call: Pick<KeyedCall<unknown, unknown>, 'response' | 'gone' | 'requestId'>,
  run: RunHead,
  { after, note }: { after: number; note: string },
): Reply {
  call.response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-transform, no-cache',
    'X-Accel-Buffering': 'no',
    'X-Request-ID': call.requestId,
    'X-Run-ID': run.id,
    'X-Thread-ID': run.threadId,
  });
  call.response.flushHeaders();
  const caller = new SseCaller(call.response, { bufferBytes: LIMITS.sseBufferBytes });
  call.gone.addEventListener('abort', () => {
    if (call.gone.reason === KEY_ENDED) caller.close();
  });
  caller.send(retryFrame(LIMITS.sseRetryMs));
  caller.send(commentFrame(note));
  tellEvents(core, run.id, after, caller).catch((error: unknown) => {
    core.log.error({ runId: run.id, error: messageOf(error) }, 'a stream could not be read on');
    caller.close();
  });
  return STREAMED;
}

/** Tells what is stored, no faster than the caller reads; then lets it listen, or closes it where the run has ended. */
async function tellEvents(core: MeshCore, runId: string, after: number, caller: SseCaller): Promise<void> {
  let told = after;
  while (caller.open) {
    const events = readRunEvents(core.store, runId, told, REPLAY_EVENTS);
    if (events.length === 0) {
      // The same turn as the read that found nothing more: no event can fall between.
      const run = findRunHead(core.store, runId);
      if (run === undefined || run.completedAt !== null) caller.close();
      else caller.onGone(core.live.listen(run, caller));
      return;
    }
    for (const event of events) {
      caller.send(eventFrame(event));
      told = event.runSequence;
      if (caller.behind) await caller.taken();
    }
  }
}

/** Resolves when the run has ended (`ended`), or when waiting makes no sense any more. */
export function waitForEnd(
  core: MeshCore,
  call: Pick<KeyedCall<unknown, unknown>, 'gone'>,
  run: RunHead,
): Promise<'ended' | 'revoked' | 'drained' | 'gone'> {
  if (findRunHead(core.store, run.id)?.completedAt !== null) return Promise.resolve('ended');
  return new Promise((resolve) => {
    const listener: RunListener = { send: () => {}, close: resolve };
    const stop = core.live.listen(run, listener);
    call.gone.addEventListener('abort', () => {
      stop();
      resolve(call.gone.reason === KEY_ENDED ? 'revoked' : 'gone');
    });
  });
}

/** Stored events read at once: a page of small ones is one read, large ones wait for the caller to take them. */
const REPLAY_EVENTS = 50;
