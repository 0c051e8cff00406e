import type { Clock } from '../../kit/clock.ts';
import { LIMITS } from '../../protocol/limits.ts';

/** Cumulative acks, sent after `ackEvents` events or `ackMs`, whichever is first; always after the commit. */
export class AckSchedule {
  readonly #clock: Clock;
  readonly #send: (runId: string, runSequence: number) => void;
  readonly #waiting = new Map<string, { runSequence: number; events: number }>();
  readonly #stopped = new AbortController();
  #timed = false;

  constructor(clock: Clock, send: (runId: string, runSequence: number) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** `runSequence`: what is committed now, by `events` more events. */
  add(runId: string, runSequence: number, events: number): void {
    const known = this.#waiting.get(runId)?.events ?? 0;
    this.#waiting.set(runId, { runSequence, events: known + events });
    if (known + events >= LIMITS.ackEvents) {
      this.#flush();
    } else if (!this.#timed) {
      this.#timed = true;
      void this.#clock.sleep(LIMITS.ackMs, this.#stopped.signal).then(() => this.#flush());
    }
  }

  /** At once: the run is over, or what came was refused and the device must know what the mesh has. */
  now(runId: string, runSequence: number): void {
    this.#waiting.delete(runId);
    this.#send(runId, runSequence);
  }

  stop(): void {
    this.#stopped.abort();
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timed = false;
    for (const [runId, { runSequence }] of this.#waiting) this.#send(runId, runSequence);
    this.#waiting.clear();
  }
}
