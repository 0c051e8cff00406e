import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';

/** So many calls in so many milliseconds. */
export interface Rule {
  limit: number;
  windowMs: number;
}

/** What a subject has left in its window, which ends at `resetsAt` (milliseconds since 1970). */
export interface Allowance {
  limit: number;
  remaining: number;
  resetsAt: number;
}

interface Window {
  endsMs: number;
  count: number;
}

/**
 * Counts calls of a subject (an address, a key) in fixed windows. It remembers a bounded number of subjects and forgets
 * the oldest first: who has more addresses than that is not held by counting them.
 */
export class RateLimiter {
  readonly #clock: Clock;
  /** In the order in which their windows began. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one call; throws `rate_limited`, with the wait, where the window is full. */
  take(subject: string, rule: Rule): Allowance {
    this.check(subject, rule);
    return this.count(subject, rule);
  }

  /** Throws as `take` does, and counts nothing. */
  check(subject: string, { limit }: Rule): void {
    const window = this.#current(subject);
    if (window === undefined || window.count < limit) return;
    throw new RunmeshError('rate_limited', 'Too many calls of this kind. Wait, then try again.', {
      retryable: true,
      retryAfterMs: window.endsMs - this.#clock.monotonic(),
      details: this.#allowance(window, limit),
    });
  }

  count(subject: string, { limit, windowMs }: Rule): Allowance {
    let window = this.#current(subject);
    if (window === undefined) {
      window = { endsMs: this.#clock.monotonic() + windowMs, count: 0 };
      this.#windows.delete(subject);
      this.#windows.set(subject, window);
      const oldest = this.#windows.keys().next();
      if (this.#windows.size > MOST_SUBJECTS && !oldest.done) this.#windows.delete(oldest.value);
    }
    window.count += 1;
    return this.#allowance(window, limit);
  }

  #current(subject: string): Window | undefined {
    const window = this.#windows.get(subject);
    return window !== undefined && window.endsMs > this.#clock.monotonic() ? window : undefined;
  }

  #allowance({ endsMs, count }: Window, limit: number): Allowance & Record<string, unknown> {
    const resetsAt = this.#clock.now() + endsMs - this.#clock.monotonic();
    return { limit, remaining: Math.max(0, limit - count), resetsAt };
  }
}

const MOST_SUBJECTS = 10_000;
