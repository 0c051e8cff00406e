import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { RunmeshError } from '../kit/errors.ts';
import type { ModelsConfig } from '../protocol/models-config.ts';

/** How a provider is reached: keys by the standard variables, endpoints by theirs or by the config. */
export interface ProviderAccess {
  env: Readonly<Record<string, string | undefined>>;
  config: ModelsConfig;
  fetch: typeof fetch;
}

export interface OpenedModel {
  model: LanguageModelV3;
  /** What every call of this provider carries. */
  providerOptions?: NonNullable<LanguageModelV3CallOptions['providerOptions']>;
}

/** The built-in providers and the variables that hold their keys, the first that is set. */
export const PROVIDER_KEYS = {
  anthropic: ['ANTHROPIC_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
} as const;
export type BuiltInProvider = keyof typeof PROVIDER_KEYS;

/**
 * The model `provider/name`, its provider's package loaded on first use. Throws `model_not_found` for a provider nobody
 * knows and `model_key_missing` where its key is not set.
 */
export async function openProviderModel(
  provider: string,
  name: string,
  access: ProviderAccess,
): Promise<OpenedModel> {
  const { env, config, fetch } = access;
  const endpoint = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
  if (endpoint !== undefined) {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
    const apiKey = endpoint.apiKeyEnv === undefined ? undefined : env[endpoint.apiKeyEnv];
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
  const apiKey = keyOf(provider, name, env);
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
export function settingsOf(provider: string, { env, config }: ProviderAccess): unknown {
  const endpoint = Object.hasOwn(config.providers, provider) ? config.providers[provider] : undefined;
  if (endpoint !== undefined) return [endpoint, endpoint.apiKeyEnv && env[endpoint.apiKeyEnv]];
  if (!isBuiltIn(provider)) return undefined;
  return [...PROVIDER_KEYS[provider], BASE_URLS[provider]].map((variable) => env[variable]);
}

export function isBuiltIn(provider: string): provider is BuiltInProvider {
  return Object.hasOwn(PROVIDER_KEYS, provider);
}

/** Whether a built-in provider's key is set. */
export function hasKey(provider: BuiltInProvider, env: ProviderAccess['env']): boolean {
  return PROVIDER_KEYS[provider].some((variable) => env[variable]);
}

function keyOf(provider: BuiltInProvider, name: string, env: ProviderAccess['env']): string {
  const variables = PROVIDER_KEYS[provider];
  const key = variables.map((variable) => env[variable]).find(Boolean);
  if (key !== undefined) return key;
  throw new RunmeshError(
    'model_key_missing',
    `${provider}/${name} needs a key: set ${variables.join(' or ')} where the agent runs, or name a model of the mesh without "${provider}/".`,
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
