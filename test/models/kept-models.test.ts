import { describe, expect, it } from 'vitest';
import { keepModels } from '../../src/models/kept-models.ts';

const CONFIG = {
  aliases: {},
  prices: {},
  maxRetries: 0,
  providers: {
    local: {
      type: 'openai-compatible' as const,
      baseUrl: 'http://127.0.0.1:9/v1',
      apiKeyEnv: 'LOCAL_KEY',
    },
  },
};

/** An environment that may change under the models, as a rotated key does. */
function models(env: Record<string, string | undefined>) {
  return keepModels({ env, config: CONFIG, fetch });
}

describe('models', () => {
  it('are opened once, by provider and name', async () => {
    const open = models({ OPENAI_API_KEY: 'k' });
    expect(await open('local', 'a')).toBe(await open('local', 'a'));
    expect(await open('local', 'a')).not.toBe(await open('local', 'b'));
    expect(await open('openai', 'a')).not.toBe(await open('local', 'a'));
  });

  it.each([
    ['local', 'LOCAL_KEY'],
    ['anthropic', 'ANTHROPIC_API_KEY'],
    ['google', 'GEMINI_API_KEY'],
    ['openai', 'OPENAI_BASE_URL'],
  ])('of %s are opened anew when %s has changed', async (provider, variable) => {
    const env: Record<string, string | undefined> = {
      ANTHROPIC_API_KEY: 'a',
      OPENAI_API_KEY: 'o',
      GEMINI_API_KEY: 'g',
    };
    const open = models(env);
    const before = await open(provider, 'm');
    env[variable] = 'http://127.0.0.1:8/v1';
    expect(await open(provider, 'm')).not.toBe(before);
  });

  it('that could not be opened are tried again', async () => {
    const env: Record<string, string | undefined> = {};
    const open = models(env);
    await expect(open('openai', 'm')).rejects.toMatchObject({ code: 'model_key_missing' });
    env.OPENAI_API_KEY = 'k';
    await expect(open('openai', 'm')).resolves.toHaveProperty('model');
    await expect(open('nobody', 'm')).rejects.toMatchObject({ code: 'model_not_found' });
  });
});
