import type { Journal } from '../journal/journal.ts';
import { readEventsAfter } from '../journal/read-events.ts';
import { readRun } from '../journal/read-run.ts';
import { DELTA_EVENT, type LiveDelta } from '../protocol/events.ts';
import type { Runs } from '../runs/ports.ts';
import type { RunWatchers } from './run-watchers.ts';

/** Where a watch finds what was and what is being said. */
export interface WatchParts {
  journal: Journal;
  watchers: RunWatchers;
  runs: Pick<Runs, 'liveTexts'>;
}

/**
 * A run's events after `after`, then what it is saying from its beginning, then what it says live, in order, until it has
 * ended. The mesh's own `sequence` is not known here, so the run's stands in its place.
 */
export async function* watchRun(
  { journal, watchers, runs }: WatchParts,
  runId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<Record<string, unknown>> {
  let at = after;
  let waiting: LiveDelta[] = [];
  let caughtUp = false;
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
      if (caughtUp) {
        const deltas = waiting;
        waiting = [];
        yield* deltas;
      }
      for (const event of readEventsAfter(journal, runId, at, BATCH_BYTES)) {
        at = event.runSequence;
        const { threadId, rolloutId } = readRun(journal, runId) ?? {};
        yield { ...event, runId, threadId, rolloutId, sequence: event.runSequence };
        if (event.type === 'run_completed') return;
      }
      const run = readRun(journal, runId);
      if (run === undefined || (run.status !== undefined && at >= run.committed)) return;
      if (at < run.committed) continue;
      if (!caughtUp) {
        caughtUp = true;
        waiting = runs.liveTexts(runId).map(({ messageId, kind, text }) => ({
          type: DELTA_EVENT[kind],
          runId,
          messageId,
          offset: 0,
          text,
        }));
      }
      if (waiting.length === 0) await woken;
    }
  } finally {
    unwatch();
  }
}

const BATCH_BYTES = 1_048_576;
