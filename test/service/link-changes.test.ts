import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a service whose device changes its link', () => {
  it('goes by the new one at once, and is started again where the old one had ended it for good', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const before = await mac.daemon();
    expect(await mac.linkAgain()).toMatchObject({ code: 0 });
    const after = await mac.daemon();
    expect(after.pid).not.toBe(before.pid);
    expect(after.connection.sessionId).not.toBeNull();
    await mac.house.post(`/v1/runmesh/nodes/${after.deviceId}/revoke`, {});
    await expect.poll(() => isAlive(after.pid)).toBe(false);
    expect(await mac.linkAgain()).toMatchObject({ code: 0 });
    expect((await mac.daemon()).connection.sessionId).not.toBeNull();
    expect((await mac.run('doctor')).lines.map((line) => line.code)).not.toContain('device_revoked');
  });

  it('says of a daemon by hand that it has to be started anew', async () => {
    const linux = await openMachine('linux');
    await linux.house.startDaemon();
    const { pid } = await linux.daemon();
    expect(await linux.linkAgain()).toMatchObject({ code: 0, last: { type: 'restart_needed', pid } });
    expect((await linux.daemon()).pid).toBe(pid);
  });

  it('has no daemon that works on after it was unlinked, also where the mesh cannot be told', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const { pid } = await mac.daemon();
    await mac.closeMesh();
    expect(await mac.run('unlink')).toMatchObject({ code: 0, last: { wasLinked: true, revoked: false } });
    await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
    expect(mac.managers.exits).toEqual(['0']);
  });
});

describe('a daemon that is there and answers nobody', () => {
  it('holds up no command that is there to help', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const { pid } = await mac.daemon();
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await mac.run('status')).toMatchObject({ code: 1, last: { code: 'daemon_unreachable' } });
      expect(await mac.run('service', 'status')).toMatchObject({ code: 0, last: { registered: false, pid } });
      expect((await mac.run('doctor')).lines.map((line) => line.code)).toContain('daemon_silent');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await expect.poll(async () => (await mac.run('status')).code).toBe(0);
  });
});

describe('the audit of a config', () => {
  it('holds no header and no password that was set', async () => {
    const { house, run } = await openMachine('linux');
    const provider = { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' };
    await run('config', 'set', 'models.providers.x', JSON.stringify(provider));
    await run('config', 'set', 'models.providers.x.headers', '{"Authorization":"Bearer first-word-of-mine"}');
    await run('config', 'set', 'models.providers.x.headers.Authorization', 'Bearer second-word-of-mine');
    await run('config', 'set', 'network.proxy', 'http://me:third-word-of-mine@127.0.0.1:3128');
    await run('config', 'unset', 'network.proxy');
    expect((await run('audit')).lines.filter((line) => line.what === 'config')).toHaveLength(6);
    const kept = readFileSync(join(house.dir, 'device', 'audit.db'), 'latin1');
    const log = readFileSync(join(house.dir, 'device', 'audit.db-wal'), { encoding: 'latin1', flag: 'a+' });
    expect(kept + log).not.toMatch(/(first|second|third)-word-of-mine/);
  });
});
