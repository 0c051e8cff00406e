import type { Journal } from '../journal/journal.ts';
import { readEventsAfter } from '../journal/read-events.ts';
import { readRun } from '../journal/read-run.ts';
import type { LiveDelta } from '../protocol/events.ts';
import type { RunWatchers } from './run-watchers.ts';

/**
 * A run's events after `after`, then what it says live, in order, until it has ended. The mesh's own `sequence` is not
 * known here, so the run's stands in its place.
 */
export async function* watchRun(
  journal: Journal,
  watchers: RunWatchers,
  runId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Record<string, unknown>> {
  let at = after;
  let waiting: LiveDelta[] = [];
  let wake: () => void = () => {};
  const unwatch = watchers.watch(runId, {
    committed: () => wake(),
    delta: (delta) => {
      waiting.push(delta);
      wake();
    },
  });
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const deltas = waiting;
      waiting = [];
      yield* deltas;
      for (const event of readEventsAfter(journal, runId, at, BATCH_BYTES)) {
        at = event.runSequence;
        const { threadId, rolloutId } = readRun(journal, runId) ?? {};
        yield { ...event, runId, threadId, rolloutId, sequence: event.runSequence };
        if (event.type === 'run_completed') return;
      }
      const run = readRun(journal, runId);
      if (run === undefined || (run.status !== undefined && at >= run.committed)) return;
      if (at >= run.committed && waiting.length === 0) await woken;
    }
  } finally {
    unwatch();
  }
}

const BATCH_BYTES = 1_048_576;
