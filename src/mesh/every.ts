import type { Clock } from '../kit/clock.ts';

/** Calls `work` every `ms` until `signal` aborts. What `work` throws is the caller's to have caught. */
export async function every(clock: Clock, ms: number, signal: AbortSignal, work: () => void): Promise<void> {
  for (;;) {
    await clock.sleep(ms, signal);
    if (signal.aborted) return;
    work();
  }
}
