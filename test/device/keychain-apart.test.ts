import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { loadKeychainApart } from '../../src/device/keychain-apart.ts';
import { hasSecretService } from '../support/secret-service.ts';
import { tempDir } from '../support/temp.ts';

const why = hasSecretService ? '' : ' (skipped without dbus and gnome-keyring)';

it.skipIf(why !== '')(
  `a process that asks a bus which never answers is ended, and its caller told${why}`,
  async () => {
    const path = join(tempDir(), 'bus');
    const bus = createServer(() => {});
    await new Promise<void>((resolve) => bus.listen(path, resolve));
    let callers = 0;
    bus.on('connection', (socket) => {
      callers += 1;
      socket
        .on('error', () => {})
        .once('close', () => {
          callers -= 1;
        });
      socket.resume();
    });
    onTestFinished(() => void bus.close());
    vi.stubEnv('DBUS_SESSION_BUS_ADDRESS', `unix:path=${path}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const keychain = await loadKeychainApart(6_000);
    const told = expect(keychain.setPassword('runmesh-test', 'device', 'secret')).rejects.toThrow(/died/);
    await expect.poll(() => callers, { timeout: 10_000 }).toBe(1);
    await told;
    await expect.poll(() => callers).toBe(0);
  },
);
