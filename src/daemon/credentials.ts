import { type Identity, readIdentity } from '../device/identity.ts';
import { providerOf, SECRET_TROUBLES, type SecretStore } from '../device/secret-store.ts';
import type { Clock } from '../kit/clock.ts';
import { isRunmeshError, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Wake } from '../kit/wake.ts';
import type { Woke } from '../kit/watch-wake.ts';

/** What a linked device proves itself with, and its owner's keys of providers. Read once at start and held. */
export interface Credentials {
  identity: Identity;
  apiKey: string;
  /** By the provider's name. */
  keys: ReadonlyMap<string, string>;
}

/** Throws `not_linked`, `identity_broken`, or a trouble of the secret store. */
export async function readCredentials(secrets: SecretStore): Promise<Credentials> {
  const privateKey = await secrets.get('privateKey');
  const apiKey = await secrets.get('apiKey');
  if (privateKey === undefined || apiKey === undefined) {
    throw new RunmeshError(
      'not_linked',
      'This device is not linked to an account. Run `runmesh link` first.',
    );
  }
  return { identity: readIdentity(privateKey), apiKey, keys: await readProviderKeys(secrets) };
}

/**
 * The owner's keys of providers. One that cannot be read now stays what it was (`held`), and where it was nothing it is as
 * good as not there: the run that needs it says so.
 */
export async function readProviderKeys(
  secrets: SecretStore,
  held: ReadonlyMap<string, string> = new Map(),
): Promise<Map<string, string>> {
  const keys = new Map<string, string>();
  for (const name of secrets.names()) {
    const provider = providerOf(name);
    if (provider === undefined) continue;
    const key = await secrets.get(name).catch(() => held.get(provider));
    if (key !== undefined) keys.set(provider, key);
  }
  return keys;
}

export interface UnlockOptions {
  secrets: SecretStore;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Woken when the machine woke or a person says that the store can be read now. */
  wake: Wake<'woke' | 'asked'>;
  /** Told once, for as long as it stays the same. */
  say(doing: string): void;
}

/**
 * The credentials, however long a locked store has to be waited for; `undefined` when `signal` aborted first. Only a
 * store that is locked or not there yet is tried again by itself: asking one that refused would only open its prompt again.
 */
export async function untilReadable(options: UnlockOptions): Promise<Credentials | undefined> {
  const { secrets, log, signal, say } = options;
  let said: string | undefined;
  while (!signal.aborted) {
    try {
      return await readCredentials(secrets);
    } catch (error) {
      if (!isRunmeshError(error) || !TROUBLES.has(error.code)) throw error;
      log.warn({ code: error.code, reason: error.message }, 'the secrets of this device cannot be read');
      if (error.message !== said) say(error.message);
      said = error.message;
      await untilWorthAsking(options, RETRY_MS[error.code] ?? Number.POSITIVE_INFINITY);
    }
  }
  return undefined;
}

/** Somebody may sit before a machine that slept; another network brings nobody, and would only open a refused prompt again. */
export function wakeAfterSleep(wake: Wake<'woke' | 'asked'>, { sleptMs }: Pick<Woke, 'sleptMs'>): void {
  if (sleptMs > 0) wake.wake('woke');
}

async function untilWorthAsking(
  { secrets, clock, signal, wake }: UnlockOptions,
  retryMs: number,
): Promise<void> {
  for (;;) {
    const reasons = await wake.wait(clock, retryMs, signal);
    if (reasons.size > 0 || signal.aborted || (await secrets.mayAskAgain())) return;
  }
}

const TROUBLES: ReadonlySet<string> = new Set(SECRET_TROUBLES);
const RETRY_MS: Readonly<Record<string, number>> = {
  keychain_locked: 15_000,
  keychain_silent: 15_000,
  keychain_failed: 300_000,
  // Started before the service that keeps them.
  secrets_unavailable: 15_000,
};
