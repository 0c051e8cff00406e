import { RunmeshError } from '../kit/errors.ts';
import { PROVIDER_KEYS } from '../protocol/models-config.ts';
import type { DeviceConfig } from './config-schema.ts';
import { nearKeys } from './near-keys.ts';

/** Whose keys a device can use, and for each the variables of the environment that go before a stored key. */
export function keyNames({
  models,
  webSearch,
}: Pick<DeviceConfig, 'models' | 'webSearch'>): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const [provider, variables] of Object.entries(PROVIDER_KEYS)) names.set(provider, [...variables]);
  for (const [name, variable] of Object.entries(SEARCH_KEYS)) names.set(name, [variable]);
  for (const [name, { apiKeyEnv }] of Object.entries(models.providers)) {
    names.set(name, apiKeyEnv === undefined ? [] : [apiKeyEnv]);
  }
  if (webSearch !== undefined && 'apiKeyEnv' in webSearch)
    names.set(webSearch.provider, [webSearch.apiKeyEnv]);
  return names;
}

/** Throws `provider_unknown` for a name nothing here would ever use a key of. */
export function requireKeyName(name: string, names: ReadonlyMap<string, unknown>): void {
  if (names.has(name)) return;
  const near = nearKeys(name, [...names.keys()]);
  const hint =
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Known are ${[...names.keys()].join(', ')}.`;
  throw new RunmeshError(
    'provider_unknown',
    `This device knows no provider "${name}". ${hint} Add one of your own with \`runmesh config set models.providers.NAME\`.`,
  );
}

const SEARCH_KEYS = { brave: 'BRAVE_API_KEY', tavily: 'TAVILY_API_KEY' } as const;
