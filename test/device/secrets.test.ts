import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createIdentity, readIdentity } from '../../src/device/identity.ts';
import { KeychainSilent, patient } from '../../src/device/keychain.ts';
import { openSecrets } from '../../src/device/secrets.ts';
import { FakeKeychain } from '../support/fake-keychain.ts';
import { hasSecretService, SecretService } from '../support/secret-service.ts';
import { tempDir } from '../support/temp.ts';

function paths() {
  const home = tempDir();
  return { home, secrets: join(home, 'secrets.json') };
}

const noKeychain = () => Promise.reject(new Error('Cannot autolaunch D-Bus without X11 $DISPLAY'));

describe('the secret store', () => {
  it('is a file that only its owner can read, where the owner says so', async () => {
    const where = paths();
    const env = { RUNMESH_SECRETS: 'file' };
    const store = await openSecrets({ paths: where, env, platform: 'darwin' });
    await store.set('apiKey', 'k1');
    expect(statSync(where.secrets).mode & 0o777).toBe(0o600);
    const again = await openSecrets({ paths: where, env, platform: 'darwin' });
    expect([again.kind, await again.get('apiKey'), await again.get('privateKey')]).toEqual([
      'file',
      'k1',
      undefined,
    ]);
    await again.delete('apiKey');
    expect(readFileSync(where.secrets, 'utf8')).not.toContain('k1');
  });

  it('is that file on Linux where no Secret Service answers, and the Keychain and nothing else on a Mac', async () => {
    const linux = await openSecrets({ paths: paths(), env: {}, platform: 'linux', keychain: noKeychain });
    expect(linux.kind).toBe('file');
    const mac = await openSecrets({ paths: paths(), env: {}, platform: 'darwin', keychain: noKeychain });
    expect(mac.kind).toBe('keychain');
    await expect(mac.get('privateKey')).rejects.toThrow(
      expect.objectContaining({ code: 'secrets_unavailable', retryable: false }),
    );
  });

  it('stays the file that was chosen, on a Mac too, where a later shell does not say so', async () => {
    const where = paths();
    const chosen = await openSecrets({
      paths: where,
      env: { RUNMESH_SECRETS: 'file' },
      platform: 'darwin',
    });
    await chosen.set('privateKey', 'p1');
    await chosen.set('apiKey', 'k1');
    const keychain = new FakeKeychain();
    const plain = await openSecrets({
      paths: where,
      env: {},
      platform: 'darwin',
      keychain: async () => keychain,
    });
    await plain.set('provider.openai', 'sk');
    expect(plain.kind).toBe('file');
    expect(JSON.parse(readFileSync(where.secrets, 'utf8'))).toEqual({
      store: 'file',
      values: { privateKey: 'p1', apiKey: 'k1', 'provider.openai': 'sk' },
    });
    expect(keychain.asked).toBe(0);
  });

  it('says what is wrong with a broken file, and leaves it as it is', async () => {
    const where = paths();
    writeFileSync(where.secrets, '{"store":');
    chmodSync(where.secrets, 0o600);
    await expect(openSecrets({ paths: where, env: {}, platform: 'linux' })).rejects.toThrow(/cannot be read/);
    expect(readFileSync(where.secrets, 'utf8')).toBe('{"store":');
  });

  it.skipIf(!hasSecretService)(
    'is a real Secret Service where one answers, and says when it is locked instead of taking it for empty (skipped without dbus and gnome-keyring)',
    async () => {
      const { home, secrets } = paths();
      const service = await SecretService.start();
      const call = (work: string) => inProcess({ home, secrets }, service.env, work);
      expect(call("await store.set('privateKey', 'p1'); say(store.kind, store.names())")).toEqual([
        'secret-service',
        ['privateKey'],
      ]);
      expect(call("say(await store.get('privateKey'), await store.get('apiKey') ?? 'none')")).toEqual([
        'p1',
        'none',
      ]);
      expect(readFileSync(secrets, 'utf8')).not.toContain('p1');

      await service.lock();
      const refused = `for (const work of [() => store.get('privateKey'), () => store.set('apiKey', 'a'), () => store.delete('privateKey')]) {
        await work().catch((error) => said.push(error.code));
      }
      say(...said, await store.mayAskAgain(), store.names())`;
      expect(call(refused)).toEqual([
        'keychain_locked',
        'keychain_locked',
        'keychain_locked',
        false,
        ['privateKey'],
      ]);

      await service.unlock();
      expect(call("say(await store.mayAskAgain(), await store.get('privateKey'))")).toEqual([true, 'p1']);
      expect(call("await store.delete('privateKey'); say(store.names())")).toEqual([[]]);
    },
  );
});

describe('the Keychain of a Mac', () => {
  const openMac = (where: ReturnType<typeof paths>, keychain: FakeKeychain) =>
    openSecrets({ paths: where, env: {}, platform: 'darwin', keychain: async () => keychain });

  it.each([
    { status: '-25308', code: 'keychain_locked', says: 'log in at the screen' },
    { status: '-25320', code: 'keychain_locked', says: 'log in at the screen' },
    { status: '-25293', code: 'keychain_denied', says: 'runmesh link --repair' },
    { status: '-128', code: 'keychain_cancelled', says: 'Always Allow' },
    { status: '-25307', code: 'secrets_unavailable', says: 'RUNMESH_SECRETS=file' },
    { status: 'unnamed', code: 'keychain_failed', says: 'Unlock it' },
  ] as const)('refuses with $status: $code, and what to do', async ({ status, code, says }) => {
    const keychain = new FakeKeychain();
    const store = await openMac(paths(), keychain);
    keychain.refuses = status;
    await expect(store.get('privateKey')).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(says) }),
    );
  });

  it('is read once: what was read is held when it locks', async () => {
    const keychain = new FakeKeychain();
    const where = paths();
    await (await openMac(where, keychain)).set('apiKey', 'k1');
    const store = await openMac(where, keychain);
    await store.get('apiKey');
    keychain.refuses = '-25308';
    expect(await store.get('apiKey')).toBe('k1');
  });

  it('that lost an item is not taken for one that never had it', async () => {
    const keychain = new FakeKeychain();
    const store = await openMac(paths(), keychain);
    expect(await store.get('privateKey')).toBeUndefined();
    await store.set('privateKey', 'p1');
    await store.delete('privateKey');
    expect(await store.get('privateKey')).toBeUndefined();
    await store.set('privateKey', 'p1');
    keychain.items.clear();
    await expect((await openMac(paths(), keychain)).get('privateKey')).resolves.toBeUndefined();
    const where = paths();
    await (await openMac(where, keychain)).set('privateKey', 'p1');
    keychain.items.clear();
    await expect((await openMac(where, keychain)).get('privateKey')).rejects.toThrow(
      expect.objectContaining({ code: 'secrets_missing', message: expect.stringContaining('--repair') }),
    );
  });

  it('is waited for only so long, and asked again it opens no second prompt', async () => {
    const keychain = new FakeKeychain();
    let answer: (value: string) => void = () => {};
    keychain.getPassword = () => {
      keychain.asked += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const waiting = patient(keychain, 20);
    await expect(waiting.getPassword('RunMesh', 'a')).rejects.toBeInstanceOf(KeychainSilent);
    const again = waiting.getPassword('RunMesh', 'a');
    answer('p1');
    expect(await again).toBe('p1');
    expect(keychain.asked).toBe(1);
  });
});

describe('the identity', () => {
  it('survives being stored, and a broken key says what to do', () => {
    const identity = createIdentity();
    const again = readIdentity(identity.privateKey);
    expect([again.publicKey, again.sign('x')]).toEqual([identity.publicKey, identity.sign('x')]);
    expect(identity.fingerprint).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
    expect(() => readIdentity('nonsense')).toThrow(/runmesh unlink/);
  });
});

/** Works on the store in a process of its own: keytar finds its bus in the environment of its process. */
function inProcess(where: { home: string; secrets: string }, env: Record<string, string>, work: string) {
  const module = new URL('../../build/device/secrets.js', import.meta.url).href;
  const program = `
    const { openSecrets } = await import(${JSON.stringify(module)});
    const store = await openSecrets({ paths: ${JSON.stringify(where)}, env: process.env, platform: 'linux' });
    const said = [];
    const say = (...words) => console.log(JSON.stringify(words));
    ${work}
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}
