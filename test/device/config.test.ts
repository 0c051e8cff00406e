import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getConfig, readConfig, setConfig, unsetConfig } from '../../src/device/config.ts';
import { devicePaths, prepareFolders } from '../../src/device/paths.ts';
import { tempDir } from '../support/temp.ts';

function aDevice() {
  const home = tempDir();
  return { home, paths: { config: join(home, 'config.json') } };
}

describe('the config', () => {
  it('has defaults where nothing is set, and keeps what is', () => {
    const { paths, home } = aDevice();
    expect(readConfig(paths)).toMatchObject({ maxConcurrentRuns: 2, drainMs: 20_000, workspaces: {} });
    setConfig(paths, 'maxConcurrentRuns', '3');
    setConfig(paths, 'workspaces.default', home);
    expect(readConfig(paths)).toMatchObject({ maxConcurrentRuns: 3, workspaces: { default: home } });
    expect(statSync(paths.config).mode & 0o777).toBe(0o600);
    expect(unsetConfig(paths, 'maxConcurrentRuns')).toBe(true);
    expect(getConfig(paths, 'maxConcurrentRuns')).toBe(2);
  });

  it.each([
    ['maxConcurrentRuns', 'many', /maxConcurrentRuns.*number/],
    ['maxConcurrentRuns', '99', /maxConcurrentRuns.*16/],
    ['maxConcurentRuns', '3', /did you mean maxConcurrentRuns/],
    ['models.providers.local', '{"type":"openai-compatible"}', /models\.providers\.local\.baseUrl/],
    ['workspaces.default', '/no/such/folder', /is not a folder/],
    ['shell', '/no/such/shell', /is not a program/],
    ['shell', '/tmp', /is not a program/],
    ['__proto__.x', '1', /is not a key/],
  ])('refuses %s = %s, naming file and key, and changes nothing', (key, value, says) => {
    const { paths } = aDevice();
    setConfig(paths, 'logLevel', 'debug');
    const before = readFileSync(paths.config, 'utf8');
    expect(() => setConfig(paths, key, value)).toThrow(says);
    expect(() => setConfig(paths, key, value)).toThrow(paths.config);
    expect(readFileSync(paths.config, 'utf8')).toBe(before);
  });

  it('never loses a file that somebody broke by hand', () => {
    const { paths } = aDevice();
    writeFileSync(paths.config, '{ "maxConcurrentRuns": 3, ');
    expect(() => readConfig(paths)).toThrow(/not a JSON object/);
    expect(() => setConfig(paths, 'logLevel', 'debug')).toThrow(/Nothing was changed/);
    expect(readFileSync(paths.config, 'utf8')).toBe('{ "maxConcurrentRuns": 3, ');
  });
});

describe('where a device lives', () => {
  it('follows RUNMESH_HOME, then the platform', () => {
    expect(devicePaths({ RUNMESH_HOME: '/x' }, 'darwin', '/Users/a').config).toBe('/x/config.json');
    const mac = devicePaths({}, 'darwin', '/Users/a');
    expect([mac.home, mac.logs]).toEqual([
      '/Users/a/Library/Application Support/RunMesh',
      '/Users/a/Library/Logs/RunMesh',
    ]);
    expect(devicePaths({}, 'linux', '/home/a').home).toBe('/home/a/.local/state/runmesh');
    expect(devicePaths({ XDG_STATE_HOME: '/s' }, 'linux', '/home/a').home).toBe('/s/runmesh');
  });

  it('is never a folder that iCloud syncs, by a link neither', () => {
    const synced = join(tempDir(), 'Library', 'Mobile Documents', 'com~apple~CloudDocs');
    mkdirSync(synced, { recursive: true });
    const linked = join(tempDir(), 'home');
    symlinkSync(synced, linked);
    for (const home of [join(synced, 'runmesh'), join(linked, 'runmesh')]) {
      const paths = devicePaths({ RUNMESH_HOME: home }, 'darwin', '/Users/a');
      expect(() => prepareFolders(paths)).toThrow(/synced by iCloud/);
    }
  });

  it('keeps its socket’s path short enough for a Unix socket', () => {
    const deep = join(tempDir(), 'x'.repeat(120));
    mkdirSync(deep);
    const { socket } = devicePaths({ RUNMESH_HOME: deep }, 'darwin', '/Users/a');
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    expect(devicePaths({ RUNMESH_HOME: deep }, 'darwin', '/Users/a').socket).toBe(socket);
  });

  it('is made for its owner alone, and refused where others could have put something into it', () => {
    const home = join(tempDir(), 'home');
    const paths = devicePaths({ RUNMESH_HOME: home }, 'linux', '/home/a');
    prepareFolders(paths);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    chmodSync(home, 0o755);
    prepareFolders(paths);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    chmodSync(home, 0o775);
    expect(() => prepareFolders(paths)).toThrow(
      expect.objectContaining({
        code: 'home_writable_by_others',
        message: expect.stringContaining('chmod 700'),
      }),
    );
    const link = join(tempDir(), 'link');
    symlinkSync(home, link);
    expect(() => prepareFolders(devicePaths({ RUNMESH_HOME: link }, 'linux', '/home/a'))).toThrow(
      /is a link/,
    );
  });
});
