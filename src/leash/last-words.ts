import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';

/**
 * Saves the last words of a command. When a pty's only holder exits, libuv takes a short read together with the hang-up
 * for the end of the stream and leaves what the kernel still has (some kilobytes, measured: two runs in three of a 1.5 MB
 * burst lost up to 12 KB). So the terminal is held open here as well; when the process is gone a mark is written into the
 * terminal behind its last words, and only when the mark has come out at the other end the terminal is let go.
 */
export class LastWords {
  readonly #slave: number;
  readonly #mark = `${MARK_EDGE}${randomBytes(16).toString('hex')}${MARK_EDGE}`;
  readonly #startedAt = performance.now();
  #waiting = '';
  #open = true;
  #marked = false;

  constructor(terminal: string, pid: number) {
    this.#slave = openSync(terminal, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    this.#watch(pid);
  }

  /** Output on its way to the reader, without the mark. */
  pass(text: string): string {
    if (!this.#marked) return text;
    this.#waiting += text;
    const at = this.#waiting.indexOf(this.#mark);
    if (at >= 0) {
      const whole = this.#waiting.slice(0, at) + this.#waiting.slice(at + this.#mark.length);
      this.#waiting = '';
      this.close();
      return whole;
    }
    // The mark may come in two reads: what could be its beginning waits for the next.
    const begins = this.#waiting.indexOf(MARK_EDGE, Math.max(0, this.#waiting.length - this.#mark.length));
    const ready = begins < 0 ? this.#waiting : this.#waiting.slice(0, begins);
    this.#waiting = this.#waiting.slice(ready.length);
    return ready;
  }

  /** Lets the terminal go. Answers what was held back in case it was the mark. */
  close(): string {
    const rest = this.#waiting;
    this.#waiting = '';
    if (this.#open) {
      this.#open = false;
      this.#marked = false;
      closeSync(this.#slave);
    }
    return rest;
  }

  /** Looks every few milliseconds at first and more seldom later, so that it adds about 5 % to a command's time. */
  #watch(pid: number): void {
    const elapsed = performance.now() - this.#startedAt;
    setTimeout(
      () => {
        if (!this.#open) return;
        if (isGone(pid)) this.#writeMark();
        else this.#watch(pid);
      },
      Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, elapsed / 20)),
    );
  }

  #writeMark(): void {
    if (!this.#open) return;
    try {
      writeSync(this.#slave, this.#mark);
      this.#marked = true;
    } catch {
      // Full: its reader is still at work on what came before.
      setTimeout(() => this.#writeMark(), SHORTEST_LOOK_MS);
    }
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

/** No terminal mode that is common changes it on its way out. */
const MARK_EDGE = '\u001f';
const SHORTEST_LOOK_MS = 1;
const LONGEST_LOOK_MS = 50;
