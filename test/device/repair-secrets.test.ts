import { expect, it } from 'vitest';
import { repairSecrets } from '../../src/device/repair-secrets.ts';
import { openSecrets } from '../../src/device/secrets.ts';
import { FakeKeychain } from '../support/fake-keychain.ts';
import { tempDir } from '../support/temp.ts';

/** A linked Mac, and how its secrets look to the program that runs now. */
async function aMac() {
  const keychain = new FakeKeychain();
  const home = tempDir();
  const open = () =>
    openSecrets({
      paths: { home, secrets: `${home}/secrets.json` },
      env: {},
      platform: 'darwin',
      keychain: async () => keychain,
    });
  const store = await open();
  for (const name of ['privateKey', 'apiKey', 'provider.openai'] as const)
    await store.set(name, `${name}-value`);
  return { keychain, open };
}

it('gives what another Node owned to this one: it is deleted, and answered as lost', async () => {
  const { keychain, open } = await aMac();
  keychain.program = 'node 24, signed anew';
  const store = await open();
  await expect(store.get('apiKey')).rejects.toMatchObject({ code: 'keychain_denied' });
  expect(await repairSecrets(store)).toEqual(['privateKey', 'apiKey', 'provider.openai']);
  expect([store.names(), keychain.items.size]).toEqual([[], 0]);
  await store.set('apiKey', 'new');
  expect(await (await open()).get('apiKey')).toBe('new');
});

it('stores anew what can be read', async () => {
  const { keychain, open } = await aMac();
  const before = [...keychain.items.values()];
  expect(await repairSecrets(await open())).toEqual([]);
  expect([...keychain.items.values()]).toEqual(before);
  expect([...keychain.items.values()][0]).not.toBe(before[0]);
});

it.each([
  { refuses: '-25308', why: 'is locked', code: 'keychain_locked' },
  { refuses: '-128', why: 'had its window closed', code: 'keychain_cancelled' },
  { refuses: 'unnamed', why: 'fails for a reason nobody knows', code: 'keychain_failed' },
] as const)('leaves everything as it is where the keychain $why', async ({ refuses, code }) => {
  const { keychain, open } = await aMac();
  const asked = await open();
  const { get } = asked;
  asked.get = (name) => {
    keychain.refuses = refuses;
    // This once: a window that comes again may be answered.
    return get(name).finally(() => {
      keychain.refuses = undefined;
    });
  };
  await expect(repairSecrets(asked)).rejects.toMatchObject({ code });
  const store = await open();
  expect([keychain.items.size, await store.get('privateKey')]).toEqual([3, 'privateKey-value']);
});

it('deletes nothing before all of it was asked for, since a window may be closed at the last item', async () => {
  const { keychain, open } = await aMac();
  keychain.program = 'node 24, signed anew';
  const store = await open();
  const get = store.get;
  store.get = (name) => {
    if (name === 'provider.openai') keychain.refuses = '-128';
    return get(name);
  };
  await expect(repairSecrets(store)).rejects.toMatchObject({ code: 'keychain_cancelled' });
  expect([keychain.items.size, store.names().length]).toEqual([3, 3]);
});
