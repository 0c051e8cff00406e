import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import type { Environment } from '../../device/paths.ts';
import { codeOf, RunmeshError } from '../../kit/errors.ts';

/** A small real git repository with a bug and a test that shows it. Throws `git_missing`. */
export function makeDemoRepository(folder: string, env: Environment): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git(folder, env, 'init', '--quiet', '--initial-branch=main');
  git(folder, env, 'add', '.');
  git(folder, env, ...AUTHOR, 'commit', '--quiet', '--message', 'Begin');
}

/** What the run changed, as git sees it. */
export function demoDiff(folder: string, env: Environment): string {
  return git(folder, env, '--no-pager', 'diff', '--no-color', '--no-ext-diff');
}

/** Git as it comes: without the user's configuration and hooks, and not in the repository of a hook that calls us. */
function git(folder: string, env: Environment, ...args: string[]): string {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('GIT_'));
  const own = { ...Object.fromEntries(others), GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1' };
  try {
    return execFileSync('git', args, {
      cwd: folder,
      env: own,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new RunmeshError(
      'git_missing',
      'The demo works on a git repository, and git is not installed. Install it first.',
      {
        cause: error,
      },
    );
  }
}

const AUTHOR = ['-c', 'user.name=RunMesh demo', '-c', 'user.email=demo@localhost'];

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
