/**
 * Turns the line ends a terminal writes (`\r\n`) into plain ones, over chunks that may part between the two. A carriage
 * return alone stays: it is how a program overwrites its line.
 */
export class LineEnds {
  #held = '';

  next(chunk: string): string {
    const text = this.#held + chunk;
    this.#held = /\r*$/.exec(text.slice(-MAX_HELD))?.[0] ?? '';
    return text.slice(0, text.length - this.#held.length).replace(/\r+\n/g, '\n');
  }

  /** What was held back for a line feed that never came. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** A program that ends its lines with `\r\n` itself gives two `\r` on a terminal. */
const MAX_HELD = 4;
