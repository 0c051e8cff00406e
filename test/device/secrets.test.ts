import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createIdentity, readIdentity } from '../../src/device/identity.ts';
import { openSecrets } from '../../src/device/secrets.ts';
import { tempDir } from '../support/temp.ts';

const hasKeyring = ['dbus-run-session', 'gnome-keyring-daemon'].every(
  (program) => spawnSync('which', [program]).status === 0,
);

function paths() {
  const home = tempDir();
  return { home, secrets: join(home, 'secrets.json') };
}

const noKeychain = () => Promise.reject(new Error('no D-Bus here'));

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
      expect.objectContaining({ code: 'secrets_unavailable', retryable: true }),
    );
  });

  it('says what is wrong with a broken file, and leaves it as it is', async () => {
    const where = paths();
    writeFileSync(where.secrets, '{"store":');
    chmodSync(where.secrets, 0o600);
    await expect(openSecrets({ paths: where, env: {}, platform: 'linux' })).rejects.toThrow(/cannot be read/);
    expect(readFileSync(where.secrets, 'utf8')).toBe('{"store":');
  });

  it.skipIf(!hasKeyring)(
    'is a real Secret Service where one answers (skipped without dbus and gnome-keyring)',
    () => {
      const { home, secrets } = paths();
      const module = new URL('../../dist/device/secrets.js', import.meta.url).href;
      const program = `
      const { openSecrets } = await import(${JSON.stringify(module)});
      const options = { paths: ${JSON.stringify({ home, secrets })}, env: {}, platform: 'linux' };
      const store = await openSecrets(options);
      await store.set('privateKey', 'p1');
      const again = await openSecrets(options);
      console.log(JSON.stringify([again.kind, await again.get('privateKey')]));
      await again.delete('privateKey');
    `;
      const script = `
      export XDG_RUNTIME_DIR=${home} XDG_DATA_HOME=${home}
      echo -n pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
      exec "$0" --input-type=module --eval "$1"
    `;
      const output = execFileSync(
        'dbus-run-session',
        ['--', 'bash', '-c', script, process.execPath, program],
        { encoding: 'utf8' },
      );
      expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toEqual(['secret-service', 'p1']);
      expect(readFileSync(secrets, 'utf8')).not.toContain('p1');
    },
  );
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
