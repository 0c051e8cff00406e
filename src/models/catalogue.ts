import { DEMO_MODEL } from '../protocol/demo.ts';
import type { ModelsAvailable } from '../protocol/model-proxy.ts';
import { type BuiltInProvider, PROVIDER_KEYS } from '../protocol/models-config.ts';
import { hasKey, type ProviderAccess } from './providers.ts';

/** Bare names a mesh resolves with its own keys. A short list: everything else has a provider before its slash. */
export const PLATFORM_MODELS: readonly { model: string; provider: BuiltInProvider; displayName: string }[] = [
  { model: 'claude-opus-4-5', provider: 'anthropic', displayName: 'Claude Opus 4.5' },
  { model: 'claude-sonnet-4-5', provider: 'anthropic', displayName: 'Claude Sonnet 4.5' },
  { model: 'claude-haiku-4-5', provider: 'anthropic', displayName: 'Claude Haiku 4.5' },
  { model: 'gpt-5', provider: 'openai', displayName: 'GPT-5' },
  { model: 'gpt-5-mini', provider: 'openai', displayName: 'GPT-5 mini' },
  { model: 'gemini-2.5-pro', provider: 'google', displayName: 'Gemini 2.5 Pro' },
  { model: 'gemini-2.5-flash', provider: 'google', displayName: 'Gemini 2.5 Flash' },
];

/** What `GET /v1/models/available` answers. */
export function availableModels({ env, config }: ProviderAccess): ModelsAvailable {
  const platform = PLATFORM_MODELS.map(({ model, provider, displayName }) => ({
    model,
    displayName,
    available: hasKey(provider, env),
  }));
  const aliases = Object.entries(config.aliases).map(([model, meant]) => ({
    model,
    displayName: `${model} (${meant})`,
    available: true,
  }));
  const demo = { model: DEMO_MODEL, displayName: 'Scripted model of the demo', available: true };
  const byok = PLATFORM_MODELS.map(({ model, provider, displayName }) => ({
    model: `${provider}/${model}`,
    displayName,
    requiresSecret: PROVIDER_KEYS[provider][0],
    available: hasKey(provider, env),
  }));
  return { platform: [...platform, ...aliases, demo], byok };
}
