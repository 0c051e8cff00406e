import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

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
