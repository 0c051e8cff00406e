import { isRunmeshError } from '../kit/errors.ts';
import type { SecretName, SecretStore } from './secret-store.ts';

/**
 * Makes this device's secrets the property of the program that runs now: on macOS an item belongs to the Node that made
 * it, and after an update of Node that may be another program. What can be read is stored anew; what cannot is deleted,
 * and answered: the device then needs a new one. A store that is locked, waits for an answer, had its window closed or
 * fails for an unknown reason says nothing of its items: it is left as it is, and throws.
 */
export async function repairSecrets(secrets: SecretStore): Promise<SecretName[]> {
  const read: [SecretName, string | undefined][] = [];
  for (const name of secrets.names()) read.push([name, await readable(secrets, name)]);
  for (const [name, value] of read) {
    await secrets.delete(name);
    if (value !== undefined) await secrets.set(name, value);
  }
  return read.flatMap(([name, value]) => (value === undefined ? [name] : []));
}

async function readable(secrets: SecretStore, name: SecretName): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    if (isRunmeshError(error) && LOST.has(error.code)) return undefined;
    throw error;
  }
}

const LOST: ReadonlySet<string> = new Set(['keychain_denied', 'secrets_missing']);
