import { usageOf } from '../agent/usage.ts';
import type { Journal } from '../journal/journal.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { listRuns } from '../journal/read-run.ts';
import type { Usage } from '../protocol/usage.ts';

/** Tokens of the runs that were accepted since local midnight. */
export function usageToday(journal: Journal, now: number): Usage {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const today = listRuns(journal, MOST_RUNS).filter((run) => run.acceptedAt >= midnight);
  return usageOf(today.flatMap((run) => readRunEvents(journal, run.runId)));
}

const MOST_RUNS = 1_000;
