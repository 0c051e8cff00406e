/** Paused is a set of reasons, never a boolean: each reason is lifted by whoever set it. */
export class PauseReasons<Reason extends string> {
  readonly #reasons = new Set<Reason>();
  readonly #onChange: () => void;

  constructor(onChange: () => void = () => {}) {
    this.#onChange = onChange;
  }

  get paused(): boolean {
    return this.#reasons.size > 0;
  }

  list(): Reason[] {
    return [...this.#reasons];
  }

  add(reason: Reason): void {
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    this.#onChange();
  }

  remove(reason: Reason): void {
    if (this.#reasons.delete(reason)) this.#onChange();
  }
}
