import { isoTime } from '../../kit/clock.ts';
import type { DispatchOrder } from '../../protocol/frames.ts';
import { readHistory } from '../store/read-events.ts';
import type { RunRow } from '../store/runs.ts';
import type { Store } from '../store/store.ts';

/** Everything the device needs to execute this run, the thread's history as it is now included. */
export function dispatchOrderOf(store: Store, run: RunRow): DispatchOrder {
  return {
    runId: run.id,
    threadId: run.threadId,
    rolloutId: run.rolloutId,
    attempt: run.attempt,
    agent: JSON.parse(run.agent),
    input: JSON.parse(run.input),
    history: readHistory(store, run),
    config: JSON.parse(run.config),
    metadata: JSON.parse(run.metadata),
    deadlineAt: isoTime(run.deadlineAt),
  };
}
