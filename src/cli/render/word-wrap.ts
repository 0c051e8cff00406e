/**
 * Breaks lines between words as text streams in, where a terminal would break them inside one. The word at the end is
 * held back until it is known whole; a word longer than a line is left to the terminal.
 */
export class WordWrap {
  readonly #width: number;
  #column = 0;
  #blank = '';
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

  /** Blanks go with the word behind them, so that a line that is broken or ends does not end with one. */
  #place(piece: string): string {
    if (piece.trim() === '') {
      if (piece !== '\n') {
        this.#blank += piece;
        return '';
      }
      this.#column = 0;
      this.#blank = '';
      return piece;
    }
    const before = this.#blank;
    this.#blank = '';
    const length = [...piece].length;
    const breaks = this.#column > 0 && this.#column + before.length + length > this.#width;
    this.#column = breaks ? length : this.#column + before.length + length;
    return breaks ? `\n${piece}` : before + piece;
  }
}

/** Newlines, blanks and words, each for itself. */
const PIECES = /\n|[^\S\n]+|\S+/g;
