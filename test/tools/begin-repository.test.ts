import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { beginRepository } from '../../src/tools/exec/begin-repository.ts';
import { policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

function aWorkspace(sandboxed = true) {
  const root = join(tempDir(), 'w');
  mkdirSync(root);
  return { name: 'default', root, policy: { ...policyFor(root), sandboxed } };
}

describe('a command that begins with `git init`', () => {
  it.each([
    ['git init', '', 'main'],
    ['git init .', '', 'main'],
    ['git init -b trunk && ls', '&& ls', 'trunk'],
    ['git init --initial-branch=feature/one.two; ls', '; ls', 'feature/one.two'],
    ['git init\ngit add .', '\ngit add .', 'main'],
  ])('has its repository made: %j', async (command, rest, branch) => {
    const workspace = aWorkspace();
    const { root } = workspace;
    expect(await beginRepository(command, workspace, root)).toMatch(
      new RegExp(`^printf '%s\\\\n' 'Initialized empty Git repository in ${root}/.git/' ?`),
    );
    const after = await beginRepository(command, workspace, root);
    expect(after).toContain('Reinitialized existing');
    expect(after.endsWith(rest)).toBe(true);
    expect(readFileSync(join(root, '.git', 'HEAD'), 'utf8')).toBe(`ref: refs/heads/${branch}\n`);
  });

  it.each([
    'git init --template=evil',
    'git init --separate-git-dir=x',
    'git init --bare',
    'git init --shared=all',
    'git init a b',
    'git init "$HOME"',
    'git init *',
    'git init `id`',
    'git init | sh',
    'git init || rm x',
    'git init & ls',
    'git init;; ls',
    'git init > x',
    'git -C x init',
    'git -c core.hooksPath=x init',
    'GIT_DIR=x git init',
    'cd x && git init',
    'git init -b',
    'git init -b ../../x',
    'git init -b a..b',
    'git init -b x.lock',
    'git init -b "a b"',
    'git init\u00a0x',
    'git initx',
    './git init',
  ])('of another form is the sandbox’s to refuse, as it stands: %j', async (command) => {
    const workspace = aWorkspace();
    expect(await beginRepository(command, workspace, workspace.root)).toBe(command);
    expect(existsSync(join(workspace.root, '.git'))).toBe(false);
  });

  it('beyond the sandbox is git’s own', async () => {
    const workspace = aWorkspace(false);
    expect(await beginRepository('git init', workspace, workspace.root)).toBe('git init');
    expect(existsSync(join(workspace.root, '.git'))).toBe(false);
  });
});
