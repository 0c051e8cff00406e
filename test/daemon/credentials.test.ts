import { describe, expect, it } from 'vitest';
import { type Credentials, untilReadable, wakeAfterSleep } from '../../src/daemon/credentials.ts';
import { createIdentity } from '../../src/device/identity.ts';
import type { SecretStore } from '../../src/device/secret-store.ts';
import { openSecrets } from '../../src/device/secrets.ts';
import { Wake } from '../../src/kit/wake.ts';
import { SILENT_LOG } from '../control/harness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeKeychain } from '../support/fake-keychain.ts';
import { tempDir } from '../support/temp.ts';

/** A linked Mac whose keychain is `refuses` when its daemon starts. */
async function start(refuses: FakeKeychain['refuses'], some: Partial<SecretStore> = {}) {
  const keychain = new FakeKeychain();
  const home = tempDir();
  const open = () =>
    openSecrets({
      paths: { home, secrets: `${home}/secrets.json` },
      env: {},
      platform: 'darwin',
      keychain: async () => keychain,
    });
  const linked = await open();
  await linked.set('privateKey', createIdentity().privateKey);
  await linked.set('apiKey', 'k1');
  keychain.refuses = refuses;
  keychain.asked = 0;
  const clock = new FakeClock();
  const stop = new AbortController();
  const wake = new Wake<'woke' | 'asked'>();
  const said: string[] = [];
  const got: (Credentials | undefined)[] = [];
  const secrets = { ...(await open()), ...some };
  const waiting = untilReadable({
    secrets,
    clock,
    log: SILENT_LOG,
    signal: stop.signal,
    wake,
    say: (doing) => said.push(doing),
  }).then((credentials) => got.push(credentials));
  await clock.advance(0);
  return { keychain, clock, wake, said, got, stop, waiting };
}

describe('waiting for the secrets of a device', () => {
  it('asks a locked keychain again by itself, slowly, says why once, and holds what it read', async () => {
    const { keychain, clock, said, got } = await start('-25308');
    await clock.advance(60_000);
    expect(keychain.asked).toBe(5);
    expect(said).toEqual([expect.stringContaining('Unlock it')]);
    keychain.refuses = '-25307';
    await clock.advance(30_000);
    expect(said).toHaveLength(2);
    keychain.refuses = undefined;
    await clock.advance(15_000);
    expect(got).toMatchObject([{ apiKey: 'k1' }]);
  });

  it('never asks one that a person refused by itself, nor on another network, but when somebody says so, or after a sleep', async () => {
    const { keychain, clock, wake, got } = await start('-128');
    await clock.advance(86_400_000);
    expect(keychain.asked).toBe(1);
    wakeAfterSleep(wake, { sleptMs: 0 });
    await clock.advance(0);
    expect(keychain.asked).toBe(1);
    wakeAfterSleep(wake, { sleptMs: 60_000 });
    await clock.advance(0);
    expect(keychain.asked).toBe(2);
    keychain.refuses = undefined;
    wake.wake('asked');
    await clock.advance(0);
    expect(got).toMatchObject([{ apiKey: 'k1' }]);
  });

  it('leaves a store alone that would only open its prompt again', async () => {
    const { keychain, clock } = await start('-25308', { mayAskAgain: async () => false });
    await clock.advance(600_000);
    expect(keychain.asked).toBe(1);
  });

  it('ends when the daemon does', async () => {
    const { got, stop, waiting } = await start('-25308');
    stop.abort();
    await waiting;
    expect(got).toEqual([undefined]);
  });
});
