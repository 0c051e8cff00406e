import type { DeviceConfig } from '../device/config-schema.ts';
import { PROVIDER_KEYS } from '../protocol/models-config.ts';
import type { Credentials } from './credentials.ts';

/** The values in its environment and its config that this device holds and nobody must be told, wherever they turn up. */
export function ownSecrets(
  env: Readonly<Record<string, string | undefined>>,
  { models, webSearch, network }: Pick<DeviceConfig, 'models' | 'webSearch' | 'network'>,
): string[] {
  const providers = Object.values(models.providers);
  const named = new Set<string>([
    ...Object.values(PROVIDER_KEYS).flat(),
    ...providers.flatMap(({ apiKeyEnv }) => apiKeyEnv ?? []),
    ...(webSearch !== undefined && 'apiKeyEnv' in webSearch ? [webSearch.apiKeyEnv] : []),
  ]);
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && (named.has(name) || SECRET_NAME.test(name)) ? [value] : [],
  );
  const headers = providers.flatMap(({ headers: given }) => Object.values(given ?? {}));
  const proxies = Object.entries(env).flatMap(([name, value]) => (/_proxy$/i.test(name) ? [value] : []));
  return [...headers, ...variables, ...[network.proxy, ...proxies].flatMap(passwordIn)];
}

/** The same of what its secret store holds; the private key as it is stored and as it stands in a PEM file. */
export function secretsOf({ identity, apiKey, keys }: Credentials): string[] {
  const { privateKey } = identity;
  return [...keys.values(), apiKey, privateKey, Buffer.from(privateKey, 'base64url').toString('base64')];
}

/** The password of an address that has one, as it stands there and decoded. */
function passwordIn(address: string | undefined): string[] {
  if (address === undefined || !URL.canParse(address)) return [];
  const { password } = new URL(address);
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

/** How programs name the variables that hold a secret. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i;
