import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../kit/clock.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { Random } from '../../kit/random.ts';

/** A secret as it is kept: its hash, so that comparing takes the same time whatever was said. */
interface Kept {
  hash: Buffer;
  /** By the clock that only goes forward. */
  untilMs: number;
}

/**
 * What opens the page: tokens, each good for one exchange within a minute, and the sessions that they become, each good as long
 * as it is used. Nothing here outlives the process.
 */
export class PageKeys {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tokens: Kept[] = [];
  readonly #sessions: Kept[] = [];
  #wrong: number[] = [];

  constructor({ clock, random }: { clock: Clock; random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  issueToken(): string {
    return this.#keep(this.#tokens, TOKEN_MS, MOST_TOKENS);
  }

  /**
   * A session for a token, which is spent by it. Throws `invalid_token`; after too many wrong ones `rate_limited`, whatever is
   * said, until the minute is over.
   */
  exchange(token: string): string {
    const now = this.#clock.monotonic();
    this.#wrong = this.#wrong.filter((atMs) => atMs > now - WRONG_WINDOW_MS);
    if (this.#wrong.length >= MOST_WRONG) throw tooManyWrong();
    const spent = this.#find(this.#tokens, token);
    if (spent === undefined) {
      this.#wrong.push(now);
      throw new RunmeshError('invalid_token', 'This address was used before, or is too old.');
    }
    this.#tokens.splice(this.#tokens.indexOf(spent), 1);
    return this.#keep(this.#sessions, IDLE_MS, MOST_SESSIONS);
  }

  /** Whether this is a session; it then lasts on. No count of wrong ones: 256 random bits are not guessed. */
  admits(session: string): boolean {
    const found = this.#find(this.#sessions, session);
    if (found === undefined) return false;
    found.untilMs = this.#clock.monotonic() + IDLE_MS;
    return true;
  }

  get waiting(): boolean {
    return this.#living(this.#tokens).length > 0;
  }

  /** Nobody has the page open, and nobody is about to. */
  get idle(): boolean {
    return !this.waiting && this.#living(this.#sessions).length === 0;
  }

  /** Where there are too many, the oldest goes. */
  #keep(list: Kept[], forMs: number, most: number): string {
    const secret = this.#random.bytes(32).toString('base64url');
    const kept = { hash: hashOf(secret), untilMs: this.#clock.monotonic() + forMs };
    list.splice(0, list.length, ...[...this.#living(list), kept].slice(-most));
    return secret;
  }

  #find(list: Kept[], secret: string): Kept | undefined {
    const hash = hashOf(secret);
    return this.#living(list).find((kept) => timingSafeEqual(kept.hash, hash));
  }

  #living(list: Kept[]): Kept[] {
    const now = this.#clock.monotonic();
    return list.filter(({ untilMs }) => untilMs > now);
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function tooManyWrong(): RunmeshError {
  return new RunmeshError(
    'rate_limited',
    'Somebody on this machine tried wrong addresses of this page. Wait a minute, then run `runmesh dashboard` again.',
  );
}

/** How long a token may lie before a browser has taken it. */
export const TOKEN_MS = 60_000;
/** How long a page may be silent. One in view asks each second, one in the background each minute. */
export const IDLE_MS = 900_000;
const MOST_TOKENS = 4;
const MOST_SESSIONS = 8;
const MOST_WRONG = 10;
const WRONG_WINDOW_MS = 60_000;
