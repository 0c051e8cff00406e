/**
 * The text of one message as its deltas tell it, and how much of it is on the screen. A delta may replace the tail
 * (a model call that was tried again), and what a terminal has shown cannot be taken back: then it is said anew.
 */
export class LiveText {
  #text = '';
  #shown = '';

  /** Whether any of it is on the screen. */
  get isShown(): boolean {
    return this.#shown !== '';
  }

  /** What to print for this delta: the rest of the text, the whole text once more, or nothing. */
  take(delta: { offset: number; text: string }): Printed {
    const appends = this.#shown.length === this.#text.length && delta.offset >= this.#text.length;
    this.#text = this.#text.slice(0, delta.offset) + delta.text;
    if (!appends) return this.#reconcile();
    // The common case, without comparing what is already known to be the same.
    this.#shown = this.#text;
    return { text: delta.text, anew: false };
  }

  /** What to print when the message's durable event gives the whole text. */
  close(text: string): Printed {
    this.#text = text;
    return this.#reconcile();
  }

  #reconcile(): Printed {
    const shown = this.#shown;
    // A tail was taken back; it may yet be said again in the same words.
    if (shown.startsWith(this.#text)) return { text: '', anew: false };
    this.#shown = this.#text;
    return this.#text.startsWith(shown)
      ? { text: this.#text.slice(shown.length), anew: false }
      : { text: this.#text, anew: true };
  }
}

export interface Printed {
  text: string;
  /** The text begins again from its start. */
  anew: boolean;
}
