import type { Terminal } from '../context.ts';
import { shorten } from './clean.ts';

/** A terminal that knows whether its line is open, and can show a passing line that the next output replaces. */
export class Screen {
  readonly #terminal: Terminal;
  #lineOpen = false;
  #passing = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get width(): number {
    return this.#terminal.columns ?? DEFAULT_WIDTH;
  }

  /** Whether lines that are too long are broken by who writes them: a pipe takes them as they are. */
  get wraps(): boolean {
    return this.#terminal.isTTY === true;
  }

  /** Text that may go on later in the same line. */
  write(text: string): void {
    if (text === '') return;
    this.#clearPassing();
    this.#terminal.write(text);
    this.#lineOpen = !text.endsWith('\n');
  }

  /** Ends the line that is open, if one is. */
  endLine(): void {
    this.#clearPassing();
    if (this.#lineOpen) this.write('\n');
  }

  line(text: string): void {
    this.endLine();
    this.write(`${text}\n`);
  }

  /** Only on a terminal; `plain` must have no colours, since it is cut at the terminal's width. */
  passing(plain: string, paint: (text: string) => string): void {
    if (this.#terminal.isTTY !== true) return;
    this.endLine();
    this.#terminal.write(paint(shorten(plain, this.width - 1)));
    this.#passing = true;
  }

  #clearPassing(): void {
    if (!this.#passing) return;
    this.#passing = false;
    this.#terminal.write('\r\x1b[K');
  }
}

const DEFAULT_WIDTH = 80;
