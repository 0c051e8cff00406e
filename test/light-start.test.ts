import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** Packages that take megabytes or tens of milliseconds to load, each wanted only by some of what a program does. */
const HEAVY =
  /^(@ai-sdk\/(?!provider$)|@hono\/|hono|diff$|execa$|keytar$|node-pty$|undici$|https-proxy-agent$)/;

describe('what loads with', () => {
  it.each([
    ['the daemon', 'daemon/daemon.ts'],
    ['a command', 'cli/main.ts'],
  ])('%s is light: a heavy package is imported where it is used', (_what, entry) => {
    const { packages, files } = reachedFrom(entry);
    expect(files.size).toBeGreaterThan(10);
    expect([...packages].filter((name) => HEAVY.test(name))).toEqual([]);
  });

  it('the page in a browser is its own files, plain words, and one package', () => {
    const { packages, files } = reachedFrom('control/page/client/main.tsx');
    expect([...packages].sort()).toEqual(['preact', 'preact/hooks']);
    const outside = [...files].filter((file) => !file.includes('/control/page/client/'));
    expect(outside.map((file) => file.slice(file.indexOf('/src/') + 5)).sort()).toEqual([
      'control/ndjson.ts',
      'control/words/command-answer.ts',
      'control/words/diff-lines.ts',
      'control/words/format.ts',
      'control/words/secret-store.ts',
      'control/words/tool-line.ts',
      'kit/errors.ts',
      'kit/shown-text.ts',
    ]);
  });
});

/** Follows static imports of values; types are gone when the program runs, and `import()` waits. */
function reachedFrom(entry: string) {
  const packages = new Set<string>();
  const files = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, clause = '', from = ''] of text.matchAll(
      /^(?:import|export) (?!type )([^;]*?)from '([^']+)'/gms,
    )) {
      if (onlyTypes(clause)) continue;
      if (from.startsWith('.')) visit(resolve(dirname(file), from));
      else packages.add(from);
    }
  };
  visit(fileURLToPath(new URL(`../src/${entry}`, import.meta.url)));
  return { packages, files };
}

/** `{ type A, type B }`: TypeScript drops such an import whole. */
function onlyTypes(clause: string): boolean {
  const names = /^\{([^}]*)\}/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  return names?.every((name) => name === '' || name.startsWith('type ')) ?? false;
}
