import type { Clock } from '../../src/kit/clock.ts';

/** A clock that moves only when a test says so; sleepers wake in the order of their times. */
export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;
  #sleepers: { at: number; wake: () => void }[] = [];

  constructor(now = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = now;
  }

  /** How many wait for their time. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      const sleeper = {
        at: this.#elapsed + ms,
        wake: () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Moves both clocks on by `ms`, waking each sleeper at its time and letting it run before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#move(Math.max(0, next.at - this.#elapsed));
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
    }
    this.#move(Math.max(0, end - this.#elapsed));
    await settle();
  }

  /** The machine sleeps for `ms`: nobody is woken at their time, and everybody whose time has passed is woken at the end. */
  async sleepMachine(ms: number): Promise<void> {
    await settle();
    this.#move(ms);
    await this.advance(0);
  }

  /** Sets the wall clock, as a person or a time server does; the other one knows nothing of it. */
  setWall(ms: number): void {
    this.#now = ms;
  }

  #move(ms: number): void {
    this.#elapsed += ms;
    this.#now += ms;
  }
}

/** Lets promise callbacks and immediate I/O callbacks run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
