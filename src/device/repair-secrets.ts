import { isRunmeshError } from '../kit/errors.ts';
import type { SecretName, SecretStore } from './secret-store.ts';

/**
 * Makes this device's secrets the property of the program that runs now: on macOS an item belongs to the Node that made
 * it, and after an update of Node that may be another program. What can be read is stored anew; what cannot is deleted,
 * and answered: the device then needs a new one. A store that is locked or waits for an answer is left as it is, and
 * throws.
 */
export async function repairSecrets(secrets: SecretStore): Promise<SecretName[]> {
  const lost: SecretName[] = [];
  for (const name of secrets.names()) {
    const value = await readable(secrets, name);
    await secrets.delete(name);
    if (value === undefined) lost.push(name);
    else await secrets.set(name, value);
  }
  return lost;
}

async function readable(secrets: SecretStore, name: SecretName): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    if (isRunmeshError(error) && LOST.has(error.code)) return undefined;
    throw error;
  }
}

const LOST: ReadonlySet<string> = new Set(['keychain_denied', 'secrets_missing', 'keychain_failed']);
