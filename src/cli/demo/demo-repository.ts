import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small real git repository with a bug and a test that shows it. */
export function makeDemoRepository(folder: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git(folder, 'init', '--quiet', '--initial-branch=main');
  git(folder, 'add', '.');
  git(folder, ...AUTHOR, 'commit', '--quiet', '--message', 'Begin');
}

/** What the run changed, as git sees it. */
export function demoDiff(folder: string): string {
  return git(folder, '--no-pager', 'diff', '--no-color', '--no-ext-diff');
}

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const AUTHOR = [
  '-c',
  'user.name=RunMesh demo',
  '-c',
  'user.email=demo@localhost',
  '-c',
  'commit.gpgsign=false',
];

const FILES = {
  'package.json': `${JSON.stringify({ name: 'demo', version: '1.0.0', type: 'module', private: true, scripts: { test: 'node --test' } }, null, 2)}\n`,
  'README.md': '# slug\n\nTurns a title into the last part of an address.\n',
  'src/slug.js': `/** Turns a title into the last part of an address: lower case, dashes for spaces. */
export function slugify(title) {
  return title.toLowerCase().replace(' ', '-');
}
`,
  'test/slug.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slugify } from '../src/slug.js';

test('one space becomes a dash', () => {
  assert.equal(slugify('Hello World'), 'hello-world');
});

test('every space becomes a dash', () => {
  assert.equal(slugify('Hello Big World'), 'hello-big-world');
});
`,
};
