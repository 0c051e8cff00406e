/**
 * Which queued runs may start now: at most `most` at a time, and of each thread only its first, since a run reads
 * what the one before it said. `runs` are in the order in which they were accepted.
 */
export function chooseTurns(
  runs: readonly { runId: string; threadId: string; queued: boolean }[],
  most: number,
): string[] {
  const threads = new Set<string>();
  let free = most - runs.filter((run) => !run.queued).length;
  const chosen: string[] = [];
  for (const run of runs) {
    if (threads.has(run.threadId)) continue;
    threads.add(run.threadId);
    if (!run.queued || free <= 0) continue;
    free -= 1;
    chosen.push(run.runId);
  }
  return chosen;
}
