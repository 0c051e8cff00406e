import type { Clock } from '../../kit/clock.ts';

/** Callers who wait a moment for the device's answer to their order. */
export class OrderAnswers {
  readonly #waiting = new Map<string, () => void>();

  /** Resolves when the order was answered, or after `ms`. */
  async wait(orderId: string, clock: Clock, ms: number): Promise<void> {
    const timer = new AbortController();
    const answered = new Promise<void>((resolve) => this.#waiting.set(orderId, resolve));
    await Promise.race([answered, clock.sleep(ms, timer.signal)]);
    timer.abort();
    this.#waiting.delete(orderId);
  }

  answered(orderId: string): void {
    this.#waiting.get(orderId)?.();
  }
}
