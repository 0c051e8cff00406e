import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { pruneVersions } from '../../src/service/versions/switch-version.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { ServiceManagers } from '../support/service-managers.ts';
import { lendDependencies, neverRegisters, packVersion, startRegistry } from './packed.ts';

vi.setConfig({ testTimeout: 240_000 });

const OWN = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .version as string;

/** A linked device whose daemon a real process installs as a service, under a systemd of the test's own. */
async function openServer() {
  const house = new House();
  const managers = new ServiceManagers(house.dir);
  Object.assign(house.env, managers.env);
  lendDependencies(house.dir);
  await house.startMesh();
  await house.link();
  const home = join(house.dir, 'device');
  const run = async (...args: string[]) => {
    const command = house.command(...args, '--json');
    const { code } = await command.exited;
    return { code, last: command.lines.at(-1) ?? {}, stderr: command.stderr };
  };
  return { house, managers, home, run, status: async () => (await run('status')).last };
}

describe('runmesh update', () => {
  it('switches the service to a newer version, and the command on the PATH hands over to it', async () => {
    const server = await openServer();
    expect((await server.run('service', 'install')).code).toBe(0);
    const { code, last } = await server.run('update', '--from', await packVersion('98.0.0'));
    expect({ code, last }).toMatchObject({
      code: 0,
      last: { type: 'updated', from: OWN, to: '98.0.0', changed: true, service: true },
    });
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
    expect(readlinkSync(join(server.home, 'current'))).toBe('versions/98.0.0');
    expect(server.managers.exits).toEqual(['0']);
    expect((await server.run('--version')).last).toEqual({ type: 'text', text: '98.0.0' });
    expect((await server.run('service', 'status')).last).toMatchObject({
      command: expect.arrayContaining([
        join(server.home, 'current', 'node_modules', 'runmesh-agent', 'dist', 'cli', 'main.js'),
      ]),
    });

    // Back to an older one, which then also goes before the newer program on the PATH.
    const old = await packVersion('0.0.1');
    expect((await server.run('update', '--from', old)).last).toMatchObject({
      code: 'downgrade_refused',
      message: expect.stringContaining('--allow-downgrade'),
    });
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
    expect(await server.run('update', '--from', old, '--allow-downgrade')).toMatchObject({
      code: 0,
      last: { from: '98.0.0', to: '0.0.1' },
    });
    expect(await server.status()).toMatchObject({ version: '0.0.1' });
    expect((await server.run('--version')).last).toMatchObject({ text: '0.0.1' });
  });

  it('goes back by itself where the new version never registers, and a run under way ends once', async () => {
    const server = await openServer();
    const { house } = server;
    const gate = join(house.dir, 'gate');
    const model = await startChatModel((request) =>
      resultsIn(request) === 0
        ? {
            calls: [
              {
                name: 'exec_command',
                args: {
                  cmd: `echo ran >> witness; while [ ! -e ${gate} ]; do sleep 0.1; done`,
                  yield_time_ms: 15_000,
                },
              },
            ],
          }
        : { text: 'Over.' },
    );
    await house.configure(
      'models.providers.test',
      JSON.stringify({ type: 'openai-compatible', baseUrl: model.baseUrl }),
    );
    await server.run('service', 'install');
    await house.agent({ model: 'test/model' });
    const run = await house.run({ prompt: 'wait' });
    await run.frame((frame) => frame.type === 'tool_call');
    await expect.poll(() => existsSync(join(house.workspace, 'witness')), POLL).toBe(true);

    const broken = await packVersion('98.0.0', neverRegisters);
    const updating = server.run('update', '--from', broken, '--wait', '5');
    await expect.poll(() => existsSync(join(server.home, 'current')), POLL).toBe(true);
    writeFileSync(gate, '');
    const { code, last } = await updating;
    expect({ code, last }).toMatchObject({
      code: 1,
      last: {
        code: 'update_rolled_back',
        message: expect.stringContaining('has not registered with the mesh'),
      },
    });
    expect(await server.status()).toMatchObject({
      version: OWN,
      connection: { sessionId: expect.any(String) },
    });
    expect(existsSync(join(server.home, 'current'))).toBe(false);

    const record = await house.ended(run.runId, 60_000);
    expect(record).toMatchObject({ status: 'completed', result: 'Over.' });
    expect(readFileSync(join(house.workspace, 'witness'), 'utf8')).toBe('ran\n');
    const { events } = (await house.get(`/v1/threads/${run.threadId}/events`)) as {
      events: { type: string }[];
    };
    expect(events.filter(({ type }) => type === 'run_completed')).toHaveLength(1);
  });

  it('refuses what is no version of this program, one that does not start, and a link in the place of its folder', async () => {
    const server = await openServer();
    const refused = async (code: string, ...args: string[]) => {
      const { last } = await server.run('update', ...args);
      expect(last).toMatchObject({ type: 'error', code });
      return String(last.message);
    };
    await refused('usage', '--to', 'git+https://example.org/evil');
    await refused('usage', '--from', '/no/such.tgz');
    await refused('usage', '--from', '/no/such.tgz', '--to', '1.0.0');
    const foreign = await packVersion('98.0.0', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, name: 'something-else' }));
    });
    await refused('version_not_installable', '--from', foreign);
    const scripted = await packVersion('98.0.1', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const scripts = { postinstall: `touch ${join(server.house.dir, 'ran-a-script')}` };
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, scripts }));
      writeFileSync(join(folder, 'dist', 'cli', 'main.js'), 'throw new Error("broken at once");');
    });
    expect(await refused('version_not_installable', '--from', scripted)).toContain('does not start');
    expect(existsSync(join(server.house.dir, 'ran-a-script'))).toBe(false);
    const cut = join(server.house.dir, 'cut.tgz');
    writeFileSync(cut, readFileSync(scripted).subarray(0, 5_000));
    await refused('version_not_installable', '--from', cut);
    const needy = await packVersion('98.0.2', (folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, engines: { node: '>=99' } }));
    });
    await refused('version_needs_node', '--from', needy);
    expect(readdirSync(join(server.home, 'versions'))).toEqual([]);

    mkdirSync(join(server.home, 'current'));
    await refused('update_path_unsafe', '--from', needy);
    rmSync(join(server.home, 'current'), { recursive: true });
    chmodSync(join(server.home, 'versions'), 0o777);
    expect(await refused('update_path_unsafe', '--from', needy)).toContain('written by others');
  });

  it('takes the newest from the registry, keeps the one before it and no more, and refuses what was tampered with', async () => {
    const server = await openServer();
    const registry = await startRegistry([await packVersion('97.0.0'), await packVersion('98.0.0')]);
    server.house.env.npm_config_registry = registry.url;
    server.house.env.npm_config_cache = join(server.house.dir, 'npm-cache');
    expect(await server.run('update', '--to', '97.0.0')).toMatchObject({ code: 0, last: { to: '97.0.0' } });
    expect(await server.run('update')).toMatchObject({ code: 0, last: { from: '97.0.0', to: '98.0.0' } });
    expect(await server.run('update')).toMatchObject({ code: 0, last: { to: '98.0.0', changed: false } });
    expect((await server.run('update', '--to', '55.5.5')).last).toMatchObject({ code: 'version_not_found' });
    registry.add(await packVersion('99.0.0'), { tampered: true });
    expect((await server.run('update')).last).toMatchObject({
      code: 'version_not_installable',
      message: expect.stringMatching(/integrity|EINTEGRITY|sha512/i),
    });
    expect(readlinkSync(join(server.home, 'current'))).toBe('versions/98.0.0');
    expect(readdirSync(join(server.home, 'versions')).sort()).toEqual(['97.0.0', '98.0.0']);
    pruneVersions({ home: server.home }, ['98.0.0']);
    expect(readdirSync(join(server.home, 'versions'))).toEqual(['98.0.0']);
  });

  it('leaves a daemon that somebody runs by hand to them, and only switches where there is no service', async () => {
    const server = await openServer();
    await server.house.startDaemon();
    const tarball = await packVersion('98.0.0');
    expect((await server.run('update', '--from', tarball)).last).toMatchObject({
      code: 'daemon_by_hand',
      message: expect.stringContaining(String(server.house.daemon?.child.pid)),
    });
    await server.house.daemon?.kill();
    expect((await server.run('update', '--from', tarball)).last).toMatchObject({
      to: '98.0.0',
      service: false,
    });
    expect((await server.run('update', '--from', tarball)).last).toMatchObject({ changed: false });
    await server.house.startDaemon();
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
  });
});

const POLL = { timeout: 30_000, interval: 100 };
