import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openMachine } from '../service/harness.ts';

vi.setConfig({ testTimeout: 120_000 });

type Machine = Awaited<ReturnType<typeof openMachine>>;

/** What `doctor` found that is not in order, by code. */
async function examine(machine: Machine, ...options: string[]) {
  const { code, lines, last } = await machine.run('doctor', ...options);
  const findings = lines.filter((line) => line.type === 'finding');
  const faults = findings.filter((line) => line.severity === 'fault').map((line) => line.code);
  const fixed = lines.filter((line) => line.type === 'fixed').map((line) => line.fix);
  return { code, last, faults, fixed, codes: findings.map((line) => line.code), findings };
}

describe('doctor', () => {
  it('finds nothing to do where everything is in order, and has looked from inside the service', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const { code, last, faults, codes } = await examine(mac);
    expect({ code, faults }).toEqual({ code: 0, faults: [] });
    expect(last).toMatchObject({ type: 'doctor', from: 'service', faults: 0 });
    expect(codes).toEqual(
      expect.arrayContaining([
        'node',
        'service_file',
        'daemon',
        'pty',
        'ripgrep',
        'sqlite',
        'secrets_file',
        'mesh',
        'clock',
        'websocket',
        'linked',
        'journal',
        'disk',
        'logs',
        'workspace',
      ]),
    );
  });

  it('finds a property list whose Node is gone, and mends it', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const text = readFileSync(mac.plist, 'utf8');
    writeFileSync(mac.plist, text.replace(process.execPath, '/opt/homebrew/Cellar/node/20.1.0/bin/node'));
    const found = await examine(mac);
    expect(found).toMatchObject({ code: 1, faults: ['service_stale'] });
    expect(JSON.stringify(found.findings)).toContain('Cellar/node/20.1.0/bin/node, which is gone');
    expect(await examine(mac, '--fix')).toMatchObject({ code: 0, fixed: ['reinstall'], faults: [] });
    expect(readFileSync(mac.plist, 'utf8')).toBe(text);
  });

  it('finds settings that were changed after the installation', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    expect((await mac.run('config', 'set', 'drainMs', '90000')).lines).toContainEqual({
      type: 'daemon_reloaded',
      applied: ['drainMs'],
      restart: [],
      reinstall: ['drainMs'],
    });
    expect((await examine(mac)).faults).toEqual(['service_stale']);
  });

  it('finds a service that is stopped or disabled, and starts it', async () => {
    const mac = await openMachine('darwin');
    // Seen from a shell, a Mac that is none has no Seatbelt.
    await mac.house.configure('sandbox.unavailable', 'run-unsandboxed');
    await mac.run('service', 'install');
    await mac.run('service', 'stop');
    expect(await examine(mac)).toMatchObject({ faults: ['service_not_loaded'], last: { from: 'shell' } });
    mac.managers.set('disabled', { [`${mac.gui}/ai.runmesh.agent`]: true });
    expect((await examine(mac)).faults).toEqual(['service_disabled']);
    expect(await examine(mac, '--fix')).toMatchObject({ code: 0, last: { from: 'service' } });
  });

  it('finds what others could read, a swollen log and a folder launchd refuses, and mends each', async () => {
    const mac = await openMachine('darwin');
    await mac.run('service', 'install');
    const home = join(mac.house.dir, 'device');
    chmodSync(home, 0o755);
    chmodSync(join(home, 'secrets.json'), 0o644);
    chmodSync(join(mac.house.dir, 'Library', 'LaunchAgents'), 0o777);
    writeFileSync(join(home, 'logs', 'service.log'), 'x'.repeat(10_500_000));
    const { faults, codes } = await examine(mac);
    expect(new Set(faults)).toEqual(
      new Set(['private_file_open', 'agents_folder_open', 'secrets_file_open']),
    );
    expect(codes).toContain('service_log_large');
    expect(await examine(mac, '--fix')).toMatchObject({ code: 0, faults: [] });
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('tells a workspace that is gone, a daemon by hand and a revoked device from each other', async () => {
    const linux = await openMachine('linux');
    await linux.house.startDaemon();
    rmSync(linux.house.workspace, { recursive: true });
    const found = await examine(linux);
    expect(found).toMatchObject({ code: 1, faults: ['workspace_absent'], last: { from: 'daemon' } });
    expect(found.codes).toContain('daemon_by_hand');
    mkdirSync(linux.house.workspace);
    // A folder that can be read and written, and in which no run may do a thing.
    await linux.house.configure('workspaces.state', join(linux.house.dir, 'device'));
    expect((await examine(linux)).faults).toEqual(['workspace_unfit']);
    await linux.run('config', 'unset', 'workspaces.state');
    await linux.house.post(`/v1/runmesh/nodes/${linux.house.deviceId}/revoke`, {});
    await linux.house.daemon?.exited;
    expect((await examine(linux)).faults).toEqual(['device_revoked']);
  });

  it('changes nothing where it only looks, and finds a damaged journal without touching it', async () => {
    const linux = await openMachine('linux');
    const home = join(linux.house.dir, 'device');
    // A database's log comes and goes with whoever has it open.
    const files = () => readdirSync(home).filter((name) => !/-(wal|shm)$/.test(name));
    const before = files();
    expect((await examine(linux)).code).toBe(0);
    expect(files()).toEqual(before);
    writeFileSync(join(home, 'journal.db'), 'not a database at all '.repeat(100));
    expect((await examine(linux)).faults).toEqual(['journal_damaged']);
    expect(readFileSync(join(home, 'journal.db'), 'utf8')).toContain('not a database at all');
  });

  it('says what is wrong with a config that cannot be read, and does not stumble over it', async () => {
    const linux = await openMachine('linux');
    writeFileSync(join(linux.house.dir, 'device', 'config.json'), '{"drainMs":"soon"}');
    const { code, findings } = await examine(linux);
    expect(code).toBe(1);
    expect(JSON.stringify(findings)).toContain('drainMs');
    expect(existsSync(join(linux.house.dir, 'device', 'daemon.lock'))).toBe(false);
  });
});
