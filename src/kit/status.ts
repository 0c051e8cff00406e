import type { Clock } from './clock.ts';

/** What one long-lived loop is doing, in plain words a person can read at three in the morning. */
export interface LoopStatus {
  doing: string;
  /** Epoch milliseconds since when. */
  since: number;
}

/** One place where each loop says what it is doing; `status` prints it as it stands. */
export class StatusTree {
  readonly #loops = new Map<string, LoopStatus>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A reporter for the loop called `name`. */
  loop(name: string): (doing: string) => void {
    return (doing) => {
      if (this.#loops.get(name)?.doing === doing) return;
      this.#loops.set(name, { doing, since: this.#clock.now() });
    };
  }

  snapshot(): Record<string, LoopStatus> {
    return Object.fromEntries(this.#loops);
  }
}
