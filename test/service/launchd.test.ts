import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from './harness.ts';

const LABEL = 'ai.runmesh.agent';

vi.setConfig({ testTimeout: 120_000 });

describe('the service on a Mac', () => {
  it('is installed, and installed means that its daemon has registered', async () => {
    const mac = await openMachine('darwin');
    const { code, last } = await mac.run('service', 'install');
    expect({ code, last }).toMatchObject({
      code: 0,
      last: { running: true, registered: true, deviceId: mac.house.deviceId, domain: mac.gui, notes: [] },
    });
    const status = await mac.daemon();
    expect(status.pid).toBe(last.pid);
    expect(statSync(mac.plist).mode & 0o777).toBe(0o644);
    expect(mac.managers.calls.filter((call) => /enable|bootstrap/.test(call))).toEqual([
      `launchctl enable ${mac.gui}/${LABEL}`,
      `launchctl bootstrap ${mac.gui} ${mac.plist}`,
    ]);
  });

  it('runs with what the property list says and nothing of the shell that installed it', async () => {
    const mac = await openMachine('darwin');
    mac.house.env.ANTHROPIC_API_KEY = 'sk-ant-never';
    mac.house.env.NVM_DIR = '/home/me/.nvm';
    expect((await mac.run('service', 'install')).code).toBe(0);
    const { pid } = await mac.daemon();
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment).toContain(`RUNMESH_HOME=${mac.house.dir}/device`);
    expect(environment).toContain(
      'PATH=/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    );
    expect(environment.join('\n')).not.toMatch(/sk-ant-never|NVM_DIR|FAKE_SERVICES/);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Umask:\s+0077$/m);
  });

  it('is installed again without harm: the daemon drains and starts anew', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const { pid } = await mac.daemon();
    const { code, last } = await mac.run('service', 'install');
    expect({ code, registered: last.registered }).toEqual({ code: 0, registered: true });
    expect(last.pid).not.toBe(pid);
    expect(mac.managers.exits).toEqual(['0']);
    expect(mac.managers.calls.at(-2)).toContain('print');
    expect(mac.managers.calls).toContain(`launchctl kickstart -k ${mac.gui}/${LABEL}`);
  });

  it('is loaded anew when its property list has changed, after the old one is really gone', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    writeFileSync(mac.plist, readFileSync(mac.plist, 'utf8').replace('Interactive', 'Standard'));
    const before = mac.managers.calls.length;
    expect((await mac.run('service', 'install')).code).toBe(0);
    const calls = mac.managers.calls.slice(before);
    expect(calls).toContain(`launchctl bootout ${mac.gui}/${LABEL}`);
    expect(calls).not.toContain(`launchctl kickstart -k ${mac.gui}/${LABEL}`);
    expect(mac.managers.exits).toEqual(['0']);
    expect(readFileSync(mac.plist, 'utf8')).toContain('Interactive');
  });

  it('comes back after a SIGKILL, and stays down when a person stopped it', async () => {
    const mac = await openMachine('darwin');
    const { last } = await mac.run('service', 'install');
    process.kill(Number(last.pid), 'SIGKILL');
    await expect.poll(async () => (await mac.run('service', 'status')).last.registered, POLL).toBe(true);
    expect((await mac.daemon()).pid).not.toBe(last.pid);
    const stopped = await mac.run('service', 'stop');
    expect(stopped).toMatchObject({ code: 0, last: { installed: true, running: false, loaded: false } });
    expect(mac.managers.exits).toEqual(['SIGKILL', '0']);
    expect(await mac.run('service', 'start')).toMatchObject({ code: 0, last: { registered: true } });
    expect(await mac.run('service', 'start')).toMatchObject({ last: { notes: ['It runs already.'] } });
  });

  it('is restarted by a drain first, and uninstalled without a trace', async () => {
    const mac = await openMachine('darwin');
    const { last } = await mac.run('service', 'install');
    const restarted = await mac.run('service', 'restart');
    expect(restarted.last).toMatchObject({ registered: true });
    expect(restarted.last.pid).not.toBe(last.pid);
    expect(mac.managers.exits).toEqual(['0']);
    mac.managers.set('disableOnBootout', true);
    expect(await mac.run('service', 'uninstall')).toMatchObject({ code: 0, last: { installed: false } });
    expect(existsSync(mac.plist)).toBe(false);
    expect(mac.managers.get('disabled')).toEqual({ [`${mac.gui}/${LABEL}`]: false });
    expect((await mac.run('service', 'uninstall')).last).toMatchObject({ notes: ['It was not installed.'] });
    expect((await mac.run('service', 'start')).last).toMatchObject({ code: 'service_not_installed' });
  });

  it('refuses a folder that others can write into, and says how to mend it', async () => {
    const mac = await openMachine('darwin');
    mkdirSync(dirname(mac.plist), { recursive: true });
    chmodSync(dirname(mac.plist), 0o777);
    expect(await mac.run('service', 'install')).toMatchObject({
      code: 1,
      last: { code: 'service_folder_unsafe', message: expect.stringContaining('chmod go-w') },
    });
  });

  it('says that the daemon has not registered, and what it says itself', async () => {
    const mac = await openMachine('darwin');
    await mac.closeMesh();
    const { code, last } = await mac.run('service', 'install', '--wait', '3');
    expect({ code, last }).toMatchObject({ code: 1, last: { code: 'service_not_registered' } });
    expect(last.message).toMatch(/The daemon runs \(pid \d+\) and says: .*\(connect ECONNREFUSED/);
  });

  it('refuses to start beside a daemon that runs by hand, and to take over another device’s service', async () => {
    const mac = await openMachine('darwin');
    await mac.house.startDaemon();
    expect((await mac.run('service', 'install')).last).toMatchObject({
      code: 'already_running',
      message: expect.stringContaining(`pid ${mac.house.daemon?.child.pid}`),
    });
    await mac.house.daemon?.kill();
    await mac.run('service', 'install');
    writeFileSync(
      mac.plist,
      readFileSync(mac.plist, 'utf8').replaceAll(`${mac.house.dir}/device`, '/other/home'),
    );
    for (const verb of ['install', 'stop', 'uninstall', 'restart']) {
      expect((await mac.run('service', verb)).last).toMatchObject({
        code: 'service_other_home',
        message: expect.stringContaining('/other/home'),
      });
    }
  });

  it('says that launchd could not start it, which is no word of its daemon', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    await mac.run('service', 'stop');
    const text = readFileSync(mac.plist, 'utf8');
    writeFileSync(mac.plist, text.replace(process.execPath, '/opt/homebrew/Cellar/node/20.1.0/bin/node'));
    expect((await mac.run('service', 'start', '--wait', '1')).last).toMatchObject({
      code: 'service_not_registered',
    });
    expect((await mac.run('service', 'status')).last).toMatchObject({ running: false, lastExitCode: 78 });
    const { lines } = await mac.run('doctor');
    expect(lines).toContainEqual(
      expect.objectContaining({
        code: 'service_down',
        says: expect.stringContaining('launchd could not start it'),
        todo: 'runmesh service install',
      }),
    );
  });

  it('lets a revoked device’s daemon stay down instead of starting it for ever', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    await mac.house.post(`/v1/runmesh/nodes/${mac.house.deviceId}/revoke`, {});
    await expect.poll(() => mac.managers.exits, POLL).toEqual(['0']);
    expect((await mac.run('service', 'status')).last).toMatchObject({ loaded: true, running: false });
  });
});

/** A daemon takes a moment; how long says nothing. */
const POLL = { timeout: 30_000, interval: 100 };
