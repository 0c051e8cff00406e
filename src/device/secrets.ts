import { type Keychain, loadKeychain } from './keychain.ts';
import { loadKeychainApart } from './keychain-apart.ts';
import { keychainSecrets } from './keychain-secrets.ts';
import type { DevicePaths, Environment } from './paths.ts';
import { secretServiceLocked } from './secret-service.ts';
import type { SecretName, SecretStore } from './secret-store.ts';
import { fileSecrets, readSecretsFile } from './secrets-file.ts';

export interface OpenSecretsOptions {
  paths: Pick<DevicePaths, 'home' | 'secrets'>;
  /** `RUNMESH_SECRETS=file` puts secrets into a 0600 file on every system, and need be said only once. */
  env: Environment;
  platform: NodeJS.Platform;
  keychain?: () => Promise<Keychain>;
  /** Whether the Secret Service is locked, asked without a prompt. */
  locked?: () => Promise<boolean | undefined>;
}

/**
 * The Keychain on macOS. Elsewhere the Secret Service where it answers, else a 0600 file. Once something was stored, the
 * choice is kept in `secrets.json`: a daemon started without a desktop session must not take an empty file for "no
 * identity", nor a later shell without `RUNMESH_SECRETS` write another store's names over what is in the file.
 */
export async function openSecrets(options: OpenSecretsOptions): Promise<SecretStore> {
  const { paths, env, platform } = options;
  if (env.RUNMESH_SECRETS === 'file') return holding(fileSecrets(paths));
  const file = readSecretsFile(paths);
  if (file?.store === 'file') return holding(fileSecrets(paths));
  const kind = platform === 'darwin' ? 'keychain' : 'secret-service';
  const keychain = keychainSecrets(paths, kind, {
    load: options.keychain ?? loadKeychain,
    loadApart: options.keychain ?? loadKeychainApart,
    // The Keychain says by itself that it may not ask; it opens no prompt then.
    locked:
      kind === 'keychain' ? async () => undefined : (options.locked ?? (() => secretServiceLocked(env))),
  });
  if (platform === 'darwin' || file?.store === kind) return holding(keychain);
  try {
    await keychain.get('privateKey');
    return holding(keychain);
  } catch {
    return holding(fileSecrets(paths));
  }
}

function holding(store: SecretStore): SecretStore {
  const held = new Map<SecretName, string>();
  return {
    kind: store.kind,
    names: () => store.names(),
    mayAskAgain: () => store.mayAskAgain(),
    get: async (name) => {
      const value = held.get(name) ?? (await store.get(name));
      if (value !== undefined) held.set(name, value);
      return value;
    },
    set: async (name, value) => {
      await store.set(name, value);
      held.set(name, value);
    },
    delete: async (name) => {
      held.delete(name);
      await store.delete(name);
    },
  };
}
