import type { Clock } from '../../kit/clock.ts';
import { RunmeshError } from '../../kit/errors.ts';

interface Window {
  endsMs: number;
  count: number;
}

/** Counts calls of a subject (an address, a key) in fixed windows. */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one call; throws `rate_limited` with the wait where the window is full. */
  take(subject: string, limit: number, windowMs: number): void {
    this.check(subject, limit);
    this.count(subject, windowMs);
  }

  /** Throws as `take` does, and counts nothing. */
  check(subject: string, limit: number): void {
    const window = this.#current(subject);
    if (window === undefined || window.count < limit) return;
    throw new RunmeshError('rate_limited', 'Too many calls of this kind. Wait, then try again.', {
      retryable: true,
      retryAfterMs: window.endsMs - this.#clock.monotonic(),
    });
  }

  count(subject: string, windowMs: number): void {
    const window = this.#current(subject) ?? { endsMs: this.#clock.monotonic() + windowMs, count: 0 };
    window.count += 1;
    this.#windows.set(subject, window);
    if (this.#windows.size > MAX_SUBJECTS) this.#dropEnded();
  }

  #current(subject: string): Window | undefined {
    const window = this.#windows.get(subject);
    return window !== undefined && window.endsMs > this.#clock.monotonic() ? window : undefined;
  }

  #dropEnded(): void {
    const now = this.#clock.monotonic();
    for (const [subject, { endsMs }] of this.#windows) if (endsMs <= now) this.#windows.delete(subject);
  }
}

const MAX_SUBJECTS = 10_000;
