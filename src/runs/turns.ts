export interface Waiting {
  runId: string;
  threadId: string;
  queued: boolean;
  /** Once more is one death too many for this run: it works with nobody beside it, so that no other run's fault is its. */
  alone: boolean;
}

/**
 * Which queued runs may start now: at most `most` at a time, and of each thread only its first, since a run reads
 * what the one before it said. `runs` are in the order in which they were accepted.
 */
export function chooseTurns(runs: readonly Waiting[], most: number): string[] {
  const threads = new Set<string>();
  const active = runs.filter((run) => !run.queued);
  if (active.some((run) => run.alone)) return [];
  let free = most - active.length;
  const chosen: string[] = [];
  for (const run of runs) {
    if (threads.has(run.threadId)) continue;
    threads.add(run.threadId);
    if (!run.queued || free <= 0) continue;
    // Nobody overtakes it either, or it would wait for ever.
    if (run.alone) return active.length === 0 && chosen.length === 0 ? [run.runId] : chosen;
    free -= 1;
    chosen.push(run.runId);
  }
  return chosen;
}
