import type { DeviceConfig } from '../device/config-schema.ts';
import { PROVIDER_KEYS } from '../models/providers.ts';

export interface SecretPlaces {
  privateKey: string;
  apiKey: string;
  env: Readonly<Record<string, string | undefined>>;
  config: Pick<DeviceConfig, 'models' | 'webSearch'>;
}

/** The values that this device holds and nobody must be told, wherever they turn up. */
export function ownSecrets({ privateKey, apiKey, env, config }: SecretPlaces): string[] {
  const { models, webSearch } = config;
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
  const asPem = Buffer.from(privateKey, 'base64url').toString('base64');
  return [apiKey, privateKey, asPem, ...headers, ...variables];
}

/** How programs name the variables that hold a secret. */
const SECRET_NAME = /(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i;
