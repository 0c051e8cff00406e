import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, execaSync } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../support/temp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  scripts: Record<string, string>;
};

describe('the README', () => {
  /** First cells of the table of dependencies, backticks kept. */
  const rows =
    readFileSync(join(ROOT, 'README.md'), 'utf8')
      .split('## Dependencies')[1]
      ?.split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim())) ?? [];

  it('says of every package of a production install what it is for', () => {
    const named = rows.flatMap(([, names = '']) => {
      const listed = [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
      // `@ai-sdk/anthropic`, `openai`: the later ones are of the first one's scope.
      const scope = /^@[^/]+\//.exec(listed[0] ?? '')?.[0] ?? '';
      return listed.flatMap((name) => [name, scope + name]);
    });
    expect(Object.keys(manifest.dependencies).filter((name) => !named.includes(name))).toEqual([]);
    expect(rows.filter(([, , why = '']) => why.length < 10)).toEqual([]);
  });

  it('lists no package that is gone', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    const first = rows.map(([, names = '']) => /`([^`]+)`/.exec(names)?.[1] ?? '');
    expect(first.filter((name) => !(name in all))).toEqual([]);
  });
});

describe('the packages', () => {
  it('100 are exact versions, and none of them runs anything when it is installed', () => {
    const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(
      versions.filter((version) => !/^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+$/.test(version)),
    ).toEqual([]);
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(hooks.filter((name) => name in manifest.scripts)).toEqual([]);
    expect(readFileSync(join(ROOT, '.npmrc'), 'utf8')).toContain('ignore-scripts=true');
  });

  it('are listed by scripts/sbom for every platform, the same each time', () => {
    const sbom = () => execaSync(process.execPath, [join(ROOT, 'scripts/sbom.mjs')]).stdout;
    const first = sbom();
    const bom = JSON.parse(first);
    expect([bom.bomFormat, bom.metadata.component.name]).toEqual(['CycloneDX', 'runmesh-agent']);
    const names = bom.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['zod', 'ws', '@lydell/node-pty-darwin-arm64', 'preact']));
    expect(names).not.toContain('vitest');
    const unhashed = bom.components.filter(
      ({ hashes }: { hashes?: { alg: string }[] }) => hashes?.[0]?.alg !== 'SHA-512',
    );
    expect(unhashed).toEqual([]);
    expect(sbom()).toBe(first);
  });
});

describe('scripts/check-advisories', () => {
  /** A small project that locks one package, and a registry that knows of that many holes in it. */
  async function check(answer: { status: number; body: unknown }) {
    const dir = tempDir();
    const lock = {
      name: 'p',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: {
        '': { name: 'p', version: '1.0.0', dependencies: { holey: '1.0.0' } },
        'node_modules/holey': { version: '1.0.0', integrity: 'sha512-x' },
      },
    };
    writeFileSync(join(dir, 'package.json'), JSON.stringify(lock.packages['']));
    writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
    mkdirSync(join(dir, 'cache'));
    const asked: string[] = [];
    const registry = createServer((request, response) => {
      asked.push(String(request.url));
      request.resume().on('end', () => {
        // npm then reads which versions there are.
        const [status, body] = request.method === 'GET' ? [200, PACKUMENT] : [answer.status, answer.body];
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void registry.close());
    const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
    const env = {
      npm_config_registry: url,
      npm_config_cache: join(dir, 'cache'),
      npm_config_fetch_retries: '0',
    };
    const script = join(ROOT, 'scripts/check-advisories.mjs');
    const result = await execa(process.execPath, [script, dir], { reject: false, env });
    expect(asked.join()).toContain('/-/npm/v1/security/');
    return result;
  }

  const advisory = (severity: string) => ({
    holey: [
      { id: 1, url: 'https://advisory.example/1', title: 'a hole', severity, vulnerable_versions: '<2.0.0' },
    ],
  });

  it('fails for a high one and names it', async () => {
    const result = await check({ status: 200, body: advisory('high') });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('holey');
    expect(result.stderr).toContain('a hole');
  }, 60_000);

  it('passes where there are none, or only lesser ones', async () => {
    const none = await check({ status: 200, body: {} });
    expect([none.exitCode, none.stdout]).toEqual([0, expect.stringContaining('production packages: 0')]);
    const lesser = await check({ status: 200, body: advisory('low') });
    expect(lesser).toMatchObject({ exitCode: 0 });
    expect(lesser.stdout).toContain('production packages: 1');
  }, 60_000);

  it('passes and says so where the registry answers no such question', async () => {
    const result = await check({ status: 405, body: {} });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(result.stdout).toContain('Not asked');
  }, 60_000);
});

const PACKUMENT = {
  name: 'holey',
  'dist-tags': { latest: '1.0.0' },
  versions: { '1.0.0': { name: 'holey', version: '1.0.0', dist: { tarball: 'http://127.0.0.1/x.tgz' } } },
};
