import { readFileSync } from 'node:fs';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import { type Keychain, loadKeychain } from './keychain.ts';
import { type DevicePaths, type Environment, homeHash } from './paths.ts';
import { replaceFile } from './replace-file.ts';

export type SecretName = 'privateKey' | 'apiKey';
export type SecretStoreKind = 'keychain' | 'secret-service' | 'file';

/**
 * Where this device keeps its private key and its API key. Each secret is read once and held: a keychain that locks
 * itself later does not stop a running daemon. Throws `secrets_unavailable`, whose message says what to do.
 */
export interface SecretStore {
  readonly kind: SecretStoreKind;
  get(name: SecretName): Promise<string | undefined>;
  set(name: SecretName, value: string): Promise<void>;
  delete(name: SecretName): Promise<void>;
}

export interface OpenSecretsOptions {
  paths: Pick<DevicePaths, 'home' | 'secrets'>;
  /** `RUNMESH_SECRETS=file` puts secrets into a 0600 file on every system. */
  env: Environment;
  platform: NodeJS.Platform;
  keychain?: () => Promise<Keychain>;
}

/**
 * The Keychain on macOS, always. Elsewhere the Secret Service where it answers, else a 0600 file. Once something was
 * stored, the choice is kept in `secrets.json`: a daemon started without a desktop session must not take an empty
 * file for "no identity".
 */
export async function openSecrets(options: OpenSecretsOptions): Promise<SecretStore> {
  const { paths, env, platform } = options;
  if (env.RUNMESH_SECRETS === 'file') return holding(fileSecrets(paths));
  const file = readSecretsFile(paths);
  if (file?.store === 'file' && platform !== 'darwin') return holding(fileSecrets(paths));
  const kind = platform === 'darwin' ? 'keychain' : 'secret-service';
  const keychain = keychainSecrets(paths, kind, options.keychain ?? loadKeychain);
  if (platform === 'darwin' || file?.store === kind) return holding(keychain);
  try {
    await keychain.get('privateKey');
    return holding(keychain);
  } catch {
    return holding(fileSecrets(paths));
  }
}

function keychainSecrets(
  paths: OpenSecretsOptions['paths'],
  kind: 'keychain' | 'secret-service',
  load: () => Promise<Keychain>,
): SecretStore {
  // Several homes of one user (tests, a second organisation) share a keychain and must not share a key.
  const account = (name: SecretName) => `${homeHash(paths.home)}:${name}`;
  const call = async <T>(work: (keychain: Keychain) => Promise<T>): Promise<T> => {
    try {
      return await work(await load());
    } catch (error) {
      throw unavailable(kind, error);
    }
  };
  return {
    kind,
    get: async (name) =>
      (await call((keychain) => keychain.getPassword(SERVICE, account(name)))) ?? undefined,
    set: async (name, value) => {
      await call((keychain) => keychain.setPassword(SERVICE, account(name), value));
      replaceFile(paths.secrets, `${JSON.stringify({ store: kind })}\n`);
    },
    delete: async (name) => {
      await call((keychain) => keychain.deletePassword(SERVICE, account(name)));
    },
  };
}

function fileSecrets(paths: OpenSecretsOptions['paths']): SecretStore {
  const values = (): Partial<Record<SecretName, string>> => readSecretsFile(paths)?.values ?? {};
  const write = (changed: Partial<Record<SecretName, string>>) =>
    replaceFile(paths.secrets, `${JSON.stringify({ store: 'file', values: changed })}\n`);
  return {
    kind: 'file',
    get: async (name) => values()[name],
    set: async (name, value) => write({ ...values(), [name]: value }),
    delete: async (name) => {
      const { [name]: removed, ...rest } = values();
      if (removed !== undefined) write(rest);
    },
  };
}

function holding(store: SecretStore): SecretStore {
  const held = new Map<SecretName, string>();
  return {
    kind: store.kind,
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

interface SecretsFile {
  store: SecretStoreKind;
  values?: Partial<Record<SecretName, string>>;
}

function readSecretsFile({ secrets }: Pick<DevicePaths, 'secrets'>): SecretsFile | undefined {
  try {
    return JSON.parse(readFileSync(secrets, 'utf8')) as SecretsFile;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new RunmeshError(
      'secrets_unavailable',
      `${secrets} cannot be read (${messageOf(error)}). Restore it, or move it away and link this device again.`,
      { cause: error },
    );
  }
}

function unavailable(kind: SecretStoreKind, cause: unknown): RunmeshError {
  const what =
    kind === 'keychain'
      ? 'The macOS Keychain did not answer. Unlock the login keychain (a locked or just woken Mac refuses), then try again; RUNMESH_SECRETS=file keeps secrets in a file instead.'
      : 'The Secret Service (GNOME Keyring, KWallet) did not answer, and this device keeps its key there. Unlock it and run inside a desktop session, or set RUNMESH_SECRETS=file and link again.';
  return new RunmeshError('secrets_unavailable', `${what} It said: ${messageOf(cause)}`, {
    cause,
    retryable: true,
  });
}

const SERVICE = 'RunMesh';
