import type { Clock } from '../kit/clock.ts';
import { LIMITS } from '../protocol/limits.ts';
import { networkOf } from './caller-address.ts';
import { type Allowance, RateLimiter, type Rule } from './rate-limiter.ts';

/**
 * How often anybody may call: each address, whatever it asks for, and each key. An address may call more often than a
 * key, since a whole office can be behind one.
 */
export class CallLimits {
  readonly #limiter: RateLimiter;
  readonly #ofKey: Rule;
  readonly #ofAddress: Rule;

  constructor(clock: Clock, callsPerMinute: number = LIMITS.callsPerMinute) {
    this.#limiter = new RateLimiter(clock);
    this.#ofKey = { limit: callsPerMinute, windowMs: MINUTE_MS };
    this.#ofAddress = { limit: KEYS_AT_AN_ADDRESS * callsPerMinute, windowMs: MINUTE_MS };
  }

  /** Throws `rate_limited`. */
  takeAddress(address: string): Allowance {
    return this.#limiter.take(`address ${networkOf(address)}`, this.#ofAddress);
  }

  /** Throws `rate_limited`. */
  takeKey(keyId: string): Allowance {
    return this.#limiter.take(`key ${keyId}`, this.#ofKey);
  }
}

const MINUTE_MS = 60_000;
const KEYS_AT_AN_ADDRESS = 3;
