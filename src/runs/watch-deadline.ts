import type { Clock } from '../kit/clock.ts';

/**
 * Calls `onDue` at the deadline (epoch milliseconds), unless `signal` aborts first. Counted from now by the clock that
 * only goes forward: a wall clock that is set must not end a run.
 */
export async function watchDeadline(
  clock: Clock,
  deadlineAt: number,
  signal: AbortSignal,
  onDue: () => void,
): Promise<void> {
  const until = clock.monotonic() + deadlineAt - clock.now();
  while (!signal.aborted && clock.monotonic() < until) await clock.sleep(until - clock.monotonic(), signal);
  if (!signal.aborted) onDue();
}
