import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { CONNECT_PATH } from '../../src/protocol/frames.ts';
import { tempDir } from '../support/temp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Packed tarballs of this very package under other versions. What `npm pack` makes of it is made once, before the tests of
 * a file; each version is that, changed and put into a tarball again. Its dependencies are left out of the manifest, so that
 * installing it asks no registry; `lendDependencies` puts them where Node looks for them.
 */
export function packedVersions() {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'runmesh-packed-'));
  beforeAll(async () => {
    const source = join(dir, 'source');
    mkdirSync(source);
    for (const part of ['dist', 'launchd', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
      cpSync(join(ROOT, part), join(source, part), { recursive: true });
    }
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const { dependencies: _left, devDependencies: _out, scripts: _off, ...rest } = manifest;
    writeFileSync(join(source, 'package.json'), JSON.stringify(rest));
    const { stdout } = await execa('npm', ['pack', '--json', '--pack-destination', dir], { cwd: source });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await execa('tar', ['-xzf', join(dir, filename), '-C', dir]);
  }, 60_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return async (version: string, change: (folder: string) => void = () => {}): Promise<string> => {
    const own = tempDir();
    const folder = join(own, 'package');
    cpSync(join(dir, 'package'), folder, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
    change(folder);
    const tarball = join(own, `runmesh-agent-${version}.tgz`);
    await execa('tar', ['-czf', tarball, '-C', own, 'package']);
    return tarball;
  };
}

/** A registry of npm's own protocol that has nothing but these tarballs of ours. */
export async function startRegistry(tarballs: readonly string[]) {
  const versions: Record<string, unknown> = {};
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    if (file !== undefined) response.end(file);
    else if (request.url === '/runmesh-agent') {
      const latest = Object.keys(versions).at(-1);
      response.end(JSON.stringify({ name: 'runmesh-agent', 'dist-tags': { latest }, versions }));
    } else response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const add = (tarball: string, { tampered }: { tampered: boolean } = { tampered: false }) => {
    const version = /(\d+\.\d+\.\d+)\.tgz$/.exec(tarball)?.[1] ?? '';
    const bytes = readFileSync(tarball);
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const path = `/${basename(tarball)}`;
    files.set(path, tampered ? Buffer.concat([bytes, Buffer.from('more')]) : bytes);
    versions[version] = { name: 'runmesh-agent', version, dist: { tarball: url + path, integrity } };
  };
  for (const tarball of tarballs) add(tarball);
  return { url, add };
}

/** Node looks for packages in every folder above a file. */
export function lendDependencies(dir: string): void {
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
}

/** A version whose journal has one schema more. */
export function changesJournal(folder: string): void {
  const words = 'ADD COLUMN spent ';
  const more = JSON.stringify('CREATE TABLE moods (run TEXT); ALTER TABLE runs ADD COLUMN mood TEXT');
  for (const file of programFilesWith(folder, words)) {
    const text = readFileSync(file, 'utf8');
    const end = text.indexOf('];', text.indexOf(words));
    const list = text.slice(0, end).trimEnd().replace(/,$/, '');
    writeFileSync(file, `${list}, ${more}${text.slice(end)}`);
  }
}

/** A version whose daemon runs and never registers: it knocks at a door that no mesh has. */
export function neverRegisters(folder: string): void {
  for (const file of programFilesWith(folder, CONNECT_PATH))
    writeFileSync(file, readFileSync(file, 'utf8').replace(CONNECT_PATH, '/v1/no-such-door'));
}

function programFilesWith(folder: string, words: string): string[] {
  const files = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, 'dist', name))
    .filter((name) => readFileSync(name, 'utf8').includes(words));
  if (files.length === 0) throw new Error(`${words} is nowhere in ${folder}`);
  return files;
}
