/**
 * Breaks lines between words as text streams in, where a terminal would break them inside one. The word at the end is
 * held back until it is known whole; a word longer than a line is left to the terminal.
 */
export class WordWrap {
  readonly #width: number;
  #column = 0;
  #held = '';

  constructor(width: number) {
    this.#width = width;
  }

  /** What of the text so far can be shown. */
  take(text: string): string {
    const pieces = (this.#held + text).match(PIECES) ?? [];
    const last = pieces.at(-1) ?? '';
    const isOpen = /\S/.test(last);
    this.#held = isOpen ? last : '';
    return (isOpen ? pieces.slice(0, -1) : pieces).map((piece) => this.#place(piece)).join('');
  }

  /** The word that was held back. */
  rest(): string {
    const held = this.#held;
    this.#held = '';
    return this.#place(held);
  }

  #place(piece: string): string {
    if (piece === '\n') {
      this.#column = 0;
      return piece;
    }
    const length = [...piece].length;
    const breaks = this.#column > 0 && this.#column + length > this.#width && piece.trim() !== '';
    this.#column = breaks ? length : this.#column + length;
    return breaks ? `\n${piece}` : piece;
  }
}

/** Newlines, blanks and words, each for itself. */
const PIECES = /\n|[^\S\n]+|\S+/g;
