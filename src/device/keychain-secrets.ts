import { messageOf, RunmeshError } from '../kit/errors.ts';
import { type Keychain, type KeychainTrouble, keychainTrouble } from './keychain.ts';
import { type DevicePaths, homeHash } from './paths.ts';
import type { SecretName, SecretStore } from './secret-store.ts';
import { readSecretsFile, writeSecretsFile } from './secrets-file.ts';

type Kind = 'keychain' | 'secret-service';

export interface KeychainDoors {
  load(): Promise<Keychain>;
  /** In a process of its own, which no earlier call binds to a store that is gone. */
  loadApart(): Promise<Keychain>;
  locked(): Promise<boolean | undefined>;
}

/**
 * Secrets as items of the system's own store. `secrets.json` keeps the names of those that were stored, because a locked
 * Secret Service does not refuse to answer: it answers that there is nothing. What should be there and is not is
 * therefore looked into: over D-Bus, and with a write, which a locked store does refuse. One that is gone although it has
 * something of ours may only have been started anew, and is asked by `loadApart` from then on.
 */
export function keychainSecrets(
  paths: Pick<DevicePaths, 'home' | 'secrets'>,
  kind: Kind,
  { load, loadApart, locked }: KeychainDoors,
): SecretStore {
  // Several homes of one user (tests, a second organisation) share a keychain and must not share a key.
  const account = (name: string) => `${homeHash(paths.home)}:${name}`;
  const names = () => (readSecretsFile(paths)?.names ?? []) as SecretName[];
  let keychain: Promise<Keychain> | undefined;
  let apart = false;
  const call = async <T>(work: (keychain: Keychain) => Promise<T>): Promise<T> => {
    try {
      keychain ??= load().catch((error) => {
        keychain = undefined;
        throw error;
      });
      return await work(await keychain);
    } catch (error) {
      const mayBeBack =
        kind === 'secret-service' && keychainTrouble(error) === 'absent' && names().length > 0;
      if (apart || !mayBeBack) throw refusal(kind, error);
      apart = true;
      keychain = loadApart();
      return call(work);
    }
  };
  const proveOpen = async (): Promise<void> => {
    if (await locked()) throw refusal(kind, new Error('a locked collection'));
    await call((open) => open.setPassword(SERVICE, account(PROBE), 'probe'));
    await call((open) => open.deletePassword(SERVICE, account(PROBE)));
  };
  return {
    kind,
    names,
    mayAskAgain: async () => kind === 'keychain' || (await locked()) === false,
    get: async (name) => {
      const value = await call((open) => open.getPassword(SERVICE, account(name)));
      if (value !== null) return value;
      if (!names().includes(name)) return undefined;
      await proveOpen();
      throw missing(kind, name);
    },
    set: async (name, value) => {
      await call((open) => open.setPassword(SERVICE, account(name), value));
      writeSecretsFile(paths, { store: kind, names: [...new Set([...names(), name])] });
    },
    delete: async (name) => {
      const deleted = await call((open) => open.deletePassword(SERVICE, account(name)));
      if (!names().includes(name)) return;
      if (!deleted) await proveOpen();
      writeSecretsFile(paths, { store: kind, names: names().filter((other) => other !== name) });
    },
  };
}

function missing(kind: Kind, name: SecretName): RunmeshError {
  const next = name.startsWith('provider.')
    ? `Store it again with \`runmesh keys set ${name.slice('provider.'.length)}\`.`
    : 'Run `runmesh link --repair`.';
  return new RunmeshError(
    'secrets_missing',
    `The ${WORDS[kind]} has no ${name} of this device any more. ${next}`,
  );
}

function refusal(kind: Kind, cause: unknown): RunmeshError {
  const trouble = keychainTrouble(cause);
  const { code, says } = REFUSALS[trouble];
  return new RunmeshError(code, `${says(WORDS[kind])} It said: ${messageOf(cause)}`, {
    cause,
    retryable: trouble !== 'absent',
  });
}

/** What cannot be read now may be read tomorrow: only its owner decides that it is lost. */
const BY_HAND =
  'if that does not help, delete its RunMesh items with the program that shows them (Keychain Access on a Mac) and run `runmesh link --repair`.';

const REFUSALS: Record<KeychainTrouble, { code: string; says(store: string): string }> = {
  locked: {
    code: 'keychain_locked',
    says: (store) =>
      `The ${store} is locked. Unlock it (log in at the screen); a running daemon then goes on by itself.`,
  },
  denied: {
    code: 'keychain_denied',
    says: (store) =>
      `The ${store} refused this program. Run \`runmesh link --repair\`: after an update of Node the old items belong to another program.`,
  },
  cancelled: {
    code: 'keychain_cancelled',
    says: (store) =>
      `The window of the ${store} was closed. Run this again (for a running daemon \`runmesh resume\`) and answer with "Always Allow"; ${BY_HAND}`,
  },
  silent: {
    code: 'keychain_silent',
    says: (store) => `The ${store} did not answer. Look for a prompt on the screen and answer it.`,
  },
  absent: {
    code: 'secrets_unavailable',
    says: (store) =>
      `There is no ${store} here. Run inside a desktop session, or set RUNMESH_SECRETS=file and link again.`,
  },
  unknown: {
    code: 'keychain_failed',
    says: (store) => `The ${store} did not give this device’s secrets. Unlock it and try again; ${BY_HAND}`,
  },
};

const WORDS: Record<Kind, string> = {
  keychain: 'macOS login keychain',
  'secret-service': 'Secret Service (GNOME Keyring, KWallet)',
};
const SERVICE = 'RunMesh';
const PROBE = 'probe';
