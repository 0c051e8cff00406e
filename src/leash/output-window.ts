/**
 * Bounds what a noisy command may have under way to the daemon. The pty is never paused: a paused one loses its last
 * words when the command exits (node-pty ends the stream with what it holds). Beyond the window the newest output is
 * kept and the oldest let go, and the next piece says how much that was.
 */
export class OutputWindow {
  readonly #send: (text: string, cut: number) => void;
  #underWay = 0;
  #waiting = '';
  #cut = 0;

  constructor(send: (text: string, cut: number) => void) {
    this.#send = send;
  }

  push(text: string): void {
    this.#waiting += text;
    if (this.#underWay < WINDOW_UNITS) {
      this.flush();
    } else if (this.#waiting.length > 2 * KEPT_UNITS) {
      const from = startOfCharacter(this.#waiting, this.#waiting.length - KEPT_UNITS);
      this.#cut += from;
      this.#waiting = this.#waiting.slice(from);
    }
  }

  /** So many UTF-16 units have arrived at the other end. */
  taken(units: number): void {
    this.#underWay -= units;
    if (this.#underWay < WINDOW_UNITS / 2) this.flush();
  }

  /** Sends what waits, whatever the window says: the command has ended. */
  flush(): void {
    if (this.#waiting === '' && this.#cut === 0) return;
    this.#underWay += this.#waiting.length;
    this.#send(this.#waiting, this.#cut);
    this.#waiting = '';
    this.#cut = 0;
  }
}

/** The next index that is not inside a surrogate pair. */
function startOfCharacter(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff ? index + 1 : index;
}

const WINDOW_UNITS = 1_048_576;
const KEPT_UNITS = 1_048_576;
