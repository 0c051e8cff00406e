import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

describe('the service on Linux', () => {
  it('is installed, restarted, stopped, started and uninstalled by the same verbs', async () => {
    const linux = await openMachine('linux');
    const { code, last } = await linux.run('service', 'install');
    expect({ code, last }).toMatchObject({
      code: 0,
      last: { running: true, registered: true, domain: 'systemd --user' },
    });
    expect(String(last.notes)).toContain('loginctl enable-linger');
    expect(readFileSync(`/proc/${last.pid}/environ`, 'utf8')).not.toContain('FAKE_SERVICES');
    const restarted = await linux.run('service', 'restart');
    expect(restarted.last).toMatchObject({ registered: true });
    expect(restarted.last.pid).not.toBe(last.pid);
    expect((await linux.run('service', 'stop')).last).toMatchObject({ running: false, installed: true });
    expect(linux.managers.exits).toEqual(['0', '0']);
    expect((await linux.run('service', 'start')).last).toMatchObject({ registered: true });
    expect((await linux.run('service', 'uninstall')).last).toMatchObject({
      installed: false,
      running: false,
    });
    expect(existsSync(linux.unit)).toBe(false);
    expect((await linux.run('service', 'uninstall')).last).toMatchObject({
      notes: ['It was not installed.'],
    });
  });

  it('comes back after a SIGKILL, says nothing of lingering to who lingers, and is installed twice without harm', async () => {
    const linux = await openMachine('linux');
    linux.managers.set('lingers', true);
    expect((await linux.run('service', 'install')).last).toMatchObject({ notes: [] });
    const { last } = await linux.run('service', 'install');
    process.kill(Number(last.pid), 'SIGKILL');
    await expect
      .poll(async () => (await linux.run('service', 'status')).last.registered, {
        timeout: 15_000,
        interval: 100,
      })
      .toBe(true);
    expect((await linux.daemon()).pid).not.toBe(last.pid);
    expect(linux.managers.exits).toEqual(['0', 'SIGKILL']);
  });

  it('is refused with what to do where this user has no systemd, and nothing is written', async () => {
    const linux = await openMachine('linux');
    linux.managers.set('noUserManager', true);
    expect(await linux.run('service', 'install')).toMatchObject({
      code: 1,
      last: { code: 'systemd_unavailable', message: expect.stringContaining('runmesh daemon') },
    });
    expect(existsSync(linux.unit)).toBe(false);
  });
});
