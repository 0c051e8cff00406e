import { RunmeshError } from '../kit/errors.ts';

/**
 * The calls each API key has under way: streams, waits for a run's end, model calls. A call ends with its key, when the
 * key is revoked and when it expires; and a key has a bounded number of them.
 */
export class HeldCalls {
  readonly #calls = new Map<string, Set<AbortController>>();

  /** Counts a call until the answer calls what is returned. `gone` aborts with `KEY_ENDED` when the key ends before it. */
  hold(keyId: string, gone: AbortController): () => void {
    const calls = this.#calls.get(keyId) ?? new Set();
    if (calls.size >= MOST_CALLS) {
      const message = `This API key has ${MOST_CALLS} calls under way, and no more are taken. End some, then try again.`;
      throw new RunmeshError('rate_limited', message, { retryable: true, retryAfterMs: RETRY_MS });
    }
    this.#calls.set(keyId, calls.add(gone));
    return () => {
      calls.delete(gone);
      if (calls.size === 0 && this.#calls.get(keyId) === calls) this.#calls.delete(keyId);
    };
  }

  cut(keyIds: readonly string[]): void {
    for (const keyId of keyIds) for (const gone of this.#calls.get(keyId) ?? []) gone.abort(KEY_ENDED);
  }

  /** Ends the calls of keys that are not alive any more. */
  cutUnless(isAlive: (keyId: string) => boolean): void {
    this.cut([...this.#calls.keys()].filter((keyId) => !isAlive(keyId)));
  }
}

/** The reason a call's signal aborts with when its key was revoked or has expired. */
export const KEY_ENDED = 'key_ended';

/** Streams of one key: enough for a whole team's dashboard, and a bounded share of the mesh. */
const MOST_CALLS = 500;
const RETRY_MS = 5_000;
