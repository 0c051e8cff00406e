import { describe, expect, it } from 'vitest';
import { ownSecrets } from '../../src/daemon/own-secrets.ts';
import { deviceConfig } from '../../src/device/config-schema.ts';

describe('what a device holds and nobody must be told', () => {
  it('is the keys it uses, headers it sends, variables that are named like secrets, and passwords of proxies', () => {
    const config = deviceConfig.parse({
      models: {
        providers: {
          own: {
            type: 'openai-compatible',
            baseUrl: 'http://127.0.0.1/v1',
            apiKeyEnv: 'WHATEVER',
            headers: { 'x-api': 'in-a-header' },
          },
        },
      },
      webSearch: { provider: 'brave' },
      network: { proxy: 'http://me:in-the%40config@proxy:3128' },
    });
    const env = {
      ANTHROPIC_API_KEY: 'of-a-provider',
      WHATEVER: 'by-the-config',
      BRAVE_API_KEY: 'of-a-search',
      GITHUB_TOKEN: 'by-its-name',
      HTTPS_PROXY: 'http://me:in-the-environment@proxy:3128',
      PATH: '/usr/bin',
      KEYBOARD: 'not-a-secret',
      no_proxy: 'localhost',
    };
    const secrets = ownSecrets(env, config);
    for (const secret of [
      'of-a-provider',
      'by-the-config',
      'of-a-search',
      'by-its-name',
      'in-a-header',
      'in-the-environment',
      'in-the@config',
      'in-the%40config',
    ]) {
      expect(secrets).toContain(secret);
    }
    for (const plain of ['/usr/bin', 'not-a-secret', 'localhost']) expect(secrets).not.toContain(plain);
  });
});
