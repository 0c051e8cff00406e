import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { protectedPlaces } from '../../src/guard/protected-places.ts';
import { aboutRepositories, beginRepository } from '../../src/tools/exec/begin-repository.ts';
import { policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

function aWorkspace(sandboxed = true) {
  const root = join(tempDir(), 'w');
  mkdirSync(root);
  return { name: 'default', root, policy: { ...policyFor(root), sandboxed } };
}

const asItStands = (command: string) => ({ command, repository: false });

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
    expect((await beginRepository(command, workspace, root)).command).toMatch(
      new RegExp(`^printf '%s\\\\n' 'Initialized empty Git repository in ${root}/.git/' ?`),
    );
    const after = await beginRepository(command, workspace, root);
    expect(after.command).toContain('Reinitialized existing');
    expect(after.command.endsWith(rest)).toBe(true);
    expect(after.repository).toBe(true);
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
    expect(await beginRepository(command, workspace, workspace.root)).toEqual(asItStands(command));
    expect(existsSync(join(workspace.root, '.git'))).toBe(false);
  });

  it('goes on with a repository that was begun and never ended', async () => {
    const workspace = aWorkspace();
    const git = join(workspace.root, '.git');
    mkdirSync(join(git, 'objects', 'info'), { recursive: true });
    mkdirSync(join(git, 'hooks'));
    // Until it has a config nobody may write one.
    expect(protectedPlaces(workspace.root)).toContain(git);
    const { command } = await beginRepository('git init', workspace, workspace.root);
    expect(command).toContain('Initialized empty');
    expect(protectedPlaces(workspace.root)).not.toContain(git);
    expect(protectedPlaces(workspace.root)).toContain(join(git, 'config'));
    rmSync(join(git, 'HEAD'));
    expect((await beginRepository('git init', workspace, workspace.root)).repository).toBe(true);
    expect(execFileSync('git', ['status', '--short'], { cwd: workspace.root, encoding: 'utf8' })).toBe('');
  });

  it.each([
    ['config', '[core]\n\tfsmonitor = ./evil.sh\n'],
    ['hooks/pre-commit', '#!/bin/sh\n'],
    ['info/exclude', '*\n'],
    ['description', 'of another repository'],
  ])('leaves what is not its own alone: %s', async (name, text) => {
    const workspace = aWorkspace();
    const path = join(workspace.root, '.git', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    expect(await beginRepository('git init', workspace, workspace.root)).toEqual(asItStands('git init'));
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(existsSync(join(workspace.root, '.git', 'HEAD'))).toBe(false);
  });

  it('in a folder outside the workspace is the sandbox’s to judge', async () => {
    const workspace = aWorkspace();
    const command = `git init ${tempDir()}`;
    expect(await beginRepository(command, workspace, workspace.root)).toEqual(asItStands(command));
  });

  it('beyond the sandbox is git’s own', async () => {
    const workspace = aWorkspace(false);
    expect(await beginRepository('git init', workspace, workspace.root)).toEqual(asItStands('git init'));
    expect(existsSync(join(workspace.root, '.git'))).toBe(false);
  });
});

describe('what is said of a command that failed', () => {
  it.each([
    ['cd x && git -C y clone z', true],
    ['false\ngit\tconfig a b', true],
    ['git status; clone it', false],
    ['gitk init', false],
  ])('%j names repositories: %s', (command, about) => {
    expect(aboutRepositories(command, { sandboxed: true }) !== '').toBe(about);
    expect(aboutRepositories(command, { sandboxed: false })).toBe('');
  });

  it('is said of a command of a megabyte too', () => {
    expect(aboutRepositories(`false # ${'git '.repeat(262_144)}`, { sandboxed: true })).toBe('');
  });
});
