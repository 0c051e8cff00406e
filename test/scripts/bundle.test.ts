import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/temp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');
const { INSTALLED } = (await import(join(ROOT, 'scripts/bundle.mjs'))) as { INSTALLED: string[] };
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

describe('the program as it is shipped', () => {
  it('asks for no package but those that are installed with it, and for each of them', () => {
    expect(INSTALLED.filter((name) => !(name in dependencies))).toEqual([]);
    const asked = new Set(
      filesIn(DIST)
        .flatMap((file) =>
          [...readFileSync(file, 'utf8').matchAll(REQUESTS)].map(([, one, two]) => one ?? two ?? ''),
        )
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !isBuiltin(name))
        .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0]),
    );
    expect([...asked].sort()).toEqual([...INSTALLED, ...TRIED].sort());
  });

  it('has every program that one of its processes starts another by', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
    const started = sources
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [
        ...readFileSync(join(ROOT, 'src', name), 'utf8').matchAll(/'\.\.\/\.\.\/dist\/([^']+\.js)'/g),
      ])
      .map(([, file]) => file ?? '');
    expect(started.length).toBeGreaterThanOrEqual(3);
    expect(started.filter((file) => !existsSync(join(DIST, file)))).toEqual([]);
  });

  it('finds whatever it looks for beside itself, from where the bundle has put who looks', () => {
    const looked = filesIn(DIST).flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const constants = new Map(
        [...text.matchAll(/^const (\w+) = ["']([^"']+)["'];$/gm)].map(([, name, value]) => [name, value]),
      );
      return [...text.matchAll(/new URL\((?:["']([^"']+)["']|(\w+)), import\.meta\.url\)/g)].map(
        ([, path, name]) => ({
          file,
          path: path ?? constants.get(name) ?? '?',
        }),
      );
    });
    expect(looked.length).toBeGreaterThanOrEqual(5);
    const missing = looked.filter(({ file, path }) => !existsSync(new URL(path, pathToFileURL(file))));
    expect(missing).toEqual([]);
  });

  it('makes the property list and the unit of a service from where it lies', () => {
    const print = (option: string) =>
      execFileSync(process.execPath, [join(DIST, 'cli/main.js'), 'service', 'install', option], {
        encoding: 'utf8',
        env: { HOME: tempDir(), PATH: process.env.PATH },
      });
    expect(print('--print-plist')).toContain('<string>ai.runmesh.agent</string>');
    expect(print('--print-unit')).toContain('ExecStart=');
  });

  it('brings the licence of every package that is in it', () => {
    const licences = readFileSync(join(DIST, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const bundled = Object.keys(dependencies).filter((name) => !INSTALLED.includes(name));
    const missing = bundled.filter((name) => !licences.includes(`${name} `));
    expect(missing).toEqual([]);
    expect(licences.match(/Permission is hereby granted|Apache License/g)?.length).toBeGreaterThan(10);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name));
}

/** What `ws` and `debug` use where somebody installed it, and go without elsewhere. */
const TRIED = ['bufferutil', 'supports-color', 'utf-8-validate'];

/** `import … from "x"`, `import("x")` and CommonJS's `require("x")`, which a bundler calls `__require`. */
const REQUESTS =
  /^import [^"'\n]*?["']([^"'\n]+)["'];?$|\b(?:import|(?:__)?require|createRequire\(import\.meta\.url\))\(["']([^"'\n]+)["']\)/gm;
