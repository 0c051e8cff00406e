/**
 * Turns the line ends a terminal writes (`\r\n`) into plain ones, over chunks that may part between the two. A carriage
 * return alone stays: it is how a program overwrites its line.
 */
export class LineEnds {
  #held = '';

  next(chunk: string): string {
    const text = this.#held + chunk;
    this.#held = /\r*$/.exec(text.slice(-MAX_HELD))?.[0] ?? '';
    return text.slice(0, text.length - this.#held.length).replace(LINE_END, '\n');
  }

  /** What was held back for a line feed that never came. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/**
 * A program that ends its lines with `\r\n` itself gives two `\r` on a terminal. As many as are held back belong to a line
 * end, and no more: else a line end would be another one in pieces than as a whole.
 */
const MAX_HELD = 4;
const LINE_END = /\r{1,4}\n/g;
