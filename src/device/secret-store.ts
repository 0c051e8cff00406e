/** `provider.…`: a provider's key, by the name that stands before the slash of a model's name. */
export type SecretName = 'privateKey' | 'apiKey' | `provider.${string}`;
/** The provider whose key a secret is. */
export function providerOf(name: SecretName): string | undefined {
  return name.startsWith('provider.') ? name.slice('provider.'.length) : undefined;
}

export type SecretStoreKind = 'keychain' | 'secret-service' | 'file';

/**
 * Where this device keeps its private key, its API key and its owner's provider keys. Each secret is read once and held:
 * a keychain that locks itself later does not stop a running daemon. Throws what stands in `SECRET_TROUBLES`.
 */
export interface SecretStore {
  readonly kind: SecretStoreKind;
  /** Those that were stored, whether the store is locked or not. */
  names(): SecretName[];
  /** Whether it can be asked anew without opening a prompt that somebody has just closed. */
  mayAskAgain(): Promise<boolean>;
  get(name: SecretName): Promise<string | undefined>;
  set(name: SecretName, value: string): Promise<void>;
  delete(name: SecretName): Promise<void>;
}

/**
 * What a store may throw. `keychain_locked`, `keychain_denied`, `keychain_cancelled` and `keychain_silent` heal when a person
 * does something, `keychain_failed` perhaps; `secrets_missing`: the item is gone; `secrets_unavailable`: there is no such store here.
 */
export const SECRET_TROUBLES = [
  'keychain_locked',
  'keychain_denied',
  'keychain_cancelled',
  'keychain_silent',
  'keychain_failed',
  'secrets_missing',
  'secrets_unavailable',
] as const;
