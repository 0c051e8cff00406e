import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { RunmeshError } from '../kit/errors.ts';
import { type BuiltInProvider, type ModelsConfig, PROVIDER_KEYS } from '../protocol/models-config.ts';

/** How a provider is reached: keys by the standard variables, else by what the owner stored; endpoints by theirs or by the config. */
export interface ProviderAccess {
  env: Readonly<Record<string, string | undefined>>;
  config: ModelsConfig;
  fetch: typeof fetch;
  /** A key its owner stored, by the provider's name. */
  storedKey?: (provider: string) => string | undefined;
}

export interface OpenedModel {
  model: LanguageModelV3;
  /** What every call of this provider carries. */
  providerOptions?: NonNullable<LanguageModelV3CallOptions['providerOptions']>;
}

/**
 * The model `provider/name`, its provider's package loaded on first use. Throws `model_not_found` for a provider nobody
 * knows and `model_key_missing` where its key is not set.
 */
export async function openProviderModel(
  provider: string,
  name: string,
  access: ProviderAccess,
): Promise<OpenedModel> {
  const { config, env, fetch } = access;
  const endpoint = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
  if (endpoint !== undefined) {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
    const apiKey = endpointKey(provider, endpoint, access);
    const compatible = createOpenAICompatible({
      name: provider,
      baseURL: endpoint.baseUrl.replace(/\/$/, ''),
      includeUsage: true,
      fetch,
      ...(apiKey !== undefined && { apiKey }),
      ...(endpoint.headers && { headers: endpoint.headers }),
    });
    return { model: compatible.chatModel(name) };
  }
  if (!isBuiltIn(provider)) {
    const known = [...Object.keys(PROVIDER_KEYS), ...Object.keys(config.providers)].join(', ');
    throw new RunmeshError(
      'model_not_found',
      `There is no provider named "${provider}". Known are ${known}; add one with \`runmesh config set models.providers.${provider}\`.`,
    );
  }
  const apiKey = keyOf(provider, name, access);
  if (provider === 'anthropic') {
    const { createAnthropic } = await import('@ai-sdk/anthropic');
    return {
      model: createAnthropic({ apiKey, fetch, ...baseUrl(env[BASE_URLS.anthropic], '/v1', 'always') })(name),
    };
  }
  if (provider === 'google') {
    const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
    return {
      model: createGoogleGenerativeAI({ apiKey, fetch, ...baseUrl(env[BASE_URLS.google], '/v1beta') })(name),
    };
  }
  const { createOpenAI } = await import('@ai-sdk/openai');
  return {
    model: createOpenAI({ apiKey, fetch, ...baseUrl(env[BASE_URLS.openai], '/v1') }).responses(name),
    // Nothing is kept on the provider's side; so its reasoning must come back to us to be carried on.
    providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'] } },
  };
}

/** All that a provider's models are opened with. */
export function settingsOf(provider: string, access: ProviderAccess): unknown {
  const { env, config, storedKey } = access;
  const endpoint = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
  if (endpoint !== undefined) return [endpoint, endpointKey(provider, endpoint, access)];
  if (!isBuiltIn(provider)) return undefined;
  const variables = [...PROVIDER_KEYS[provider], BASE_URLS[provider]];
  return [...variables.map((variable) => env[variable]), storedKey?.(provider)];
}

function isBuiltIn(provider: string): provider is BuiltInProvider {
  return Object.hasOwn(PROVIDER_KEYS, provider);
}

/** Whether a built-in provider's key is set. */
export function hasKey(provider: BuiltInProvider, env: ProviderAccess['env']): boolean {
  return PROVIDER_KEYS[provider].some((variable) => env[variable]);
}

function endpointKey(
  provider: string,
  { apiKeyEnv }: ModelsConfig['providers'][string],
  { env, storedKey }: ProviderAccess,
): string | undefined {
  return (apiKeyEnv && env[apiKeyEnv]) || storedKey?.(provider);
}

function keyOf(provider: BuiltInProvider, name: string, { env, storedKey }: ProviderAccess): string {
  const variables = PROVIDER_KEYS[provider];
  const key = variables.map((variable) => env[variable]).find(Boolean) ?? storedKey?.(provider);
  if (key !== undefined) return key;
  throw new RunmeshError(
    'model_key_missing',
    `${provider}/${name} needs a key: store it on the device with \`runmesh keys set ${provider}\`, set ${variables.join(' or ')} where the agent runs, or name a model of the mesh without "${provider}/".`,
  );
}

/**
 * An endpoint as its provider's package wants it. Anthropic's own tools name theirs without `/v1`, so it is added
 * unless it is there; for the others only where the address has no path at all.
 */
function baseUrl(
  url: string | undefined,
  path: string,
  add: 'always' | 'bare' = 'bare',
): { baseURL?: string } {
  if (!url) return {};
  const trimmed = url.replace(/\/+$/, '');
  const bare = new URL(trimmed).pathname === '/';
  const wanting = add === 'always' ? !trimmed.endsWith(path) : bare;
  return { baseURL: wanting ? trimmed + path : trimmed };
}

const BASE_URLS = {
  anthropic: 'ANTHROPIC_BASE_URL',
  openai: 'OPENAI_BASE_URL',
  google: 'GOOGLE_BASE_URL',
} as const;
