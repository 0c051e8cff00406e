/** Time, handed in by the composition root, so that tests can own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. Moves when somebody sets it: for stamps, never for durations. */
  now(): number;
  /** Milliseconds that only ever go forward: for durations. */
  monotonic(): number;
  /** Resolves after `ms` (at most 24 days, a timer's limit), or at once when `signal` aborts: then it resolves too, the caller looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', wake);
    }),
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A wall-clock instant as the wire writes it: ISO 8601, UTC, milliseconds. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
