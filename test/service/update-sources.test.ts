import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { pruneVersions } from '../../src/service/versions/switch-version.ts';
import { packedVersions, startRegistry } from './packed.ts';
import { openServer } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

const packVersion = packedVersions();

const OWN = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .version as string;

describe('runmesh update', () => {
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
    // What runs from there keeps its files: the same version again replaces none.
    const versions = join(server.home, 'versions');
    const before = statSync(join(versions, '98.0.0')).ino;
    expect((await server.run('update', '--from', tarball)).last).toMatchObject({ changed: false });
    expect(statSync(join(versions, '98.0.0')).ino).toBe(before);
    expect(readdirSync(versions)).toEqual(['98.0.0']);
    await server.house.startDaemon();
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
    // A damaged version hands the work back to the program on the PATH, which says so.
    rmSync(join(server.home, 'versions', '98.0.0', 'node_modules', 'runmesh-agent', 'dist', 'chunks'), {
      recursive: true,
    });
    expect(await server.run('--version')).toMatchObject({
      last: { text: OWN },
      stderr: expect.stringMatching(/current.* is damaged .*runmesh update/),
    });
  });
});
