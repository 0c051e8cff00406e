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
      // By hand: each signal that `AbortSignal.any` makes of a loop's own stays noted in that for as long as the loop runs.
      const over = new AbortController();
      const end = () => over.abort();
      signal?.addEventListener('abort', end);
      const woken = new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      const late = Number.isFinite(timeoutMs) ? clock.sleep(timeoutMs, over.signal) : aborted(over.signal);
      await Promise.race([woken, late]);
      this.#resolve = undefined;
      signal?.removeEventListener('abort', end);
      over.abort();
    }
    const reasons = this.#pending;
    this.#pending = new Set();
    return reasons;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
