import type { Terminal } from '../context.ts';
import { shorten } from './clean.ts';

/** Lines that take the place of those drawn before. Where they do not go to a terminal they follow each other. */
export class Redrawn {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Lines are cut at the terminal's width: one that wraps would not be found again. */
  draw(lines: readonly string[]): void {
    const { isTTY, columns = DEFAULT_COLUMNS } = this.#terminal;
    const fitting = isTTY === true ? lines.map((line) => shorten(line, columns - 1)) : lines;
    const back = isTTY === true && this.#drawn > 0 ? `\x1b[${this.#drawn}F\x1b[J` : '';
    this.#terminal.write(`${back}${fitting.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

const DEFAULT_COLUMNS = 80;
