import type { RedactedStream, Redactor } from '../../guard/redact.ts';
import type { Clock } from '../../kit/clock.ts';
import type { LeashSession, SessionExit } from '../../leash/leash.ts';
import { BoundedText, cutNote } from '../bounded-text.ts';
import { LineEnds } from './line-ends.ts';

/** A command of a run that may outlast the call that started it. */
export class CommandSession {
  readonly id: number;
  readonly command: string;
  /** Whether it runs beyond its run's sandbox. */
  readonly outside: boolean;
  /** Set when the command has ended and its output is whole. */
  exit: SessionExit | undefined;
  /** Whether nothing of the command is left, what it put into the background included. */
  gone = false;
  readonly #leashed: LeashSession;
  readonly #exited: Promise<void>;
  readonly #lineEnds: LineEnds | undefined;
  readonly #redactor: Redactor;
  /** A secret may be cut over two readings, so the whole output is one text. */
  #masking: RedactedStream;
  #unread = new BoundedText(MAX_UNREAD_UNITS);
  #listener: ((text: string) => void) | undefined;

  constructor(options: {
    id: number;
    command: string;
    outside: boolean;
    tty: boolean;
    leashed: LeashSession;
    redactor: Redactor;
    onOutputBytes: (bytes: number) => void;
  }) {
    this.id = options.id;
    this.command = options.command;
    this.outside = options.outside;
    this.#leashed = options.leashed;
    this.#lineEnds = options.tty ? undefined : new LineEnds();
    this.#redactor = options.redactor;
    this.#masking = options.redactor.stream();
    this.#leashed.onOutput((text, cut) => {
      options.onOutputBytes(Buffer.byteLength(text) + cut);
      this.#take(this.#lineEnds?.next(text) ?? text, cut);
    });
    this.#exited = this.#leashed.exited.then((exit) => {
      this.#take(this.#lineEnds?.rest() ?? '', 0);
      this.#tell(this.#masking.end());
      this.exit = exit;
    });
  }

  /** Lets the command go; it has run nothing before. */
  release(): void {
    this.#leashed.release();
  }

  write(text: string): void {
    this.#leashed.write(text);
  }

  /**
   * Waits until the command has ended or `ms` have passed; `onOutput` hears what comes meanwhile. An abort of `signal`
   * ends the command and is thrown.
   */
  async wait(clock: Clock, ms: number, signal: AbortSignal, onOutput: (text: string) => void): Promise<void> {
    const done = new AbortController();
    this.#listener = onOutput;
    try {
      await Promise.race([this.#exited, clock.sleep(ms, AbortSignal.any([signal, done.signal]))]);
    } finally {
      done.abort();
      this.#tell(this.#masking.pause());
      this.#listener = undefined;
    }
    if (signal.aborted) await this.end();
    signal.throwIfAborted();
  }

  /** The output nobody has read yet; it counts as read now. */
  read(): BoundedText {
    const unread = this.#unread;
    this.#unread = new BoundedText(MAX_UNREAD_UNITS);
    return unread;
  }

  /** Ends the command and all it started; resolves when none is left. */
  end(): Promise<void> {
    return this.#leashed.end();
  }

  #take(text: string, cut: number): void {
    if (cut > 0) {
      this.#tell(this.#masking.end());
      this.#masking = this.#redactor.stream();
      this.#unread.push('', cut);
      this.#listener?.(cutNote(cut));
    }
    this.#tell(this.#masking.push(text));
  }

  #tell(text: string): void {
    if (text === '') return;
    this.#unread.push(text, 0);
    this.#listener?.(text);
  }
}

/** Output kept between two readings, in UTF-16 units. */
const MAX_UNREAD_UNITS = 1_048_576;
