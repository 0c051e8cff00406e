import type { ServerResponse } from 'node:http';
import type { RunListener } from './live-runs.ts';

/**
 * One caller's open SSE answer, written straight to its socket. Frames of one turn of the event loop leave together.
 * A caller that leaves more than `bufferBytes` unread is cut, so that it costs bounded memory and slows nobody.
 */
export class SseCaller implements RunListener {
  readonly #response: ServerResponse;
  readonly #bufferBytes: number;
  #waiting: Buffer[] = [];
  #open = true;

  constructor(response: ServerResponse, options: { bufferBytes: number }) {
    this.#response = response;
    this.#bufferBytes = options.bufferBytes;
    response.on('error', () => this.#drop());
    response.on('close', () => this.#drop());
  }

  get open(): boolean {
    return this.#open;
  }

  /** Calls `leave` when the caller hangs up or is cut. */
  onGone(leave: () => void): void {
    this.#response.once('close', leave);
  }

  send(frame: Buffer): void {
    if (!this.#open) return;
    this.#waiting.push(frame);
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  close(): void {
    if (!this.#open) return;
    this.#flush();
    this.#drop();
    this.#response.end();
  }

  /** Whether the caller has a good deal left to read. */
  get behind(): boolean {
    this.#flush();
    return this.#open && this.#response.writableNeedDrain;
  }

  /** Resolves when the caller has taken what it was sent, or is gone. */
  async taken(): Promise<void> {
    if (!this.behind) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.on('drain', done).on('close', done);
    });
  }

  #flush(): void {
    if (!this.#open || this.#waiting.length === 0) return;
    const frames = this.#waiting;
    this.#waiting = [];
    // What was left unread before counts, not this write: a single event may be larger than the bound.
    if (this.#response.writableLength > this.#bufferBytes) {
      this.#drop();
      this.#response.destroy();
      return;
    }
    this.#response.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  #drop(): void {
    this.#open = false;
    this.#waiting = [];
  }
}
