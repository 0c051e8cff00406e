import type { Clock } from './clock.ts';

/**
 * What a long-lived loop waits on. A change sets state and calls `wake(reason)`; a wake that comes while the loop is
 * at work is kept for its next wait, never lost. Reasons are a closed list per loop, so that they can be searched for.
 */
export class Wake<Reason extends string> {
  #pending = new Set<Reason>();
  #resolve: (() => void) | undefined;

  wake(reason: Reason): void {
    this.#pending.add(reason);
    this.#resolve?.();
  }

  /** The reasons that came since the last wait; empty when `timeoutMs` passed or `signal` aborted first. */
  async wait(clock: Clock, timeoutMs: number, signal?: AbortSignal): Promise<ReadonlySet<Reason>> {
    if (this.#pending.size === 0 && !signal?.aborted) {
      const timer = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      const sleepSignal = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
      const waits = Number.isFinite(timeoutMs) ? [woken, clock.sleep(timeoutMs, sleepSignal)] : [woken];
      if (!Number.isFinite(timeoutMs) && signal) waits.push(aborted(sleepSignal));
      await Promise.race(waits);
      this.#resolve = undefined;
      timer.abort();
    }
    const reasons = this.#pending;
    this.#pending = new Set();
    return reasons;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
