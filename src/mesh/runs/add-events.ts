import { codeOf, isRunmeshError } from '../../kit/errors.ts';
import type { MeshCore } from '../context.ts';
import { appendEvents, type EventBatch } from '../store/append-events.ts';
import type { RunHead } from '../store/runs.ts';

/**
 * Stores a batch and tells it to whoever listens, for the socket and for HTTP alike. Answers the run as it is then,
 * and how many events were new. Throws what `appendEvents` throws.
 */
export function addEvents(core: MeshCore, runId: string, batch: EventBatch): { run: RunHead; added: number } {
  try {
    const { run, events } = appendEvents(core.store, runId, batch, core.clock.now());
    if (events.length > 0) core.live.publish(run, events, run.completedAt !== null);
    return { run, added: events.length };
  } catch (error) {
    if (isRunmeshError(error) && error.details.kind === 'hash') {
      core.log.error({ runId, alarm: codeOf(error) }, 'a stored event was sent again with another body');
    }
    throw error;
  }
}
