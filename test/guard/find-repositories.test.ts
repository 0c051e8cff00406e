import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findRepositories } from '../../src/guard/find-repositories.ts';
import { gitFoldersIn, isOfWorktree } from '../../src/guard/git-folders.ts';
import { protectedPlaces } from '../../src/guard/protected-places.ts';
import { tempDir } from '../support/temp.ts';

function folders(root: string, ...names: string[]): void {
  for (const name of names) mkdirSync(join(root, name), { recursive: true });
}

it('finds every .git three folders deep, and what .gitmodules and worktrees name at any depth', () => {
  const [root, other] = [tempDir(), tempDir()];
  folders(root, '.git/worktrees/w', 'a/b/c/.git', 'a/b/c/d/.git', 'node_modules/x/.git', 'deep/1/2/3/4/tree');
  folders(root, 'deep/1/2/3/4/sub');
  folders(other, 'repository/.git');
  writeFileSync(join(root, 'deep/1/2/3/4/sub/.git'), 'gitdir: x\n');
  writeFileSync(join(root, 'deep/1/2/3/4/tree/.git'), 'gitdir: x\n');
  writeFileSync(join(root, '.git/worktrees/w/gitdir'), `${join(root, 'deep/1/2/3/4/tree/.git')}\n`);
  symlinkSync(join(other, 'repository'), join(root, 'link'));
  writeFileSync(
    join(root, '.gitmodules'),
    ['deep/1/2/3/4/sub', 'not/there', '../elsewhere', 'link'].map((path) => `\tpath = ${path}\n`).join(''),
  );
  const { found, all } = findRepositories(root);
  const expected = ['.git', 'a/b/c/.git', 'deep/1/2/3/4/sub/.git', 'deep/1/2/3/4/tree/.git'];
  expect(found.sort()).toEqual(expected.map((name) => join(root, name)));
  expect(all).toBe(true);
});

it('keeps what was found before for as long as it is there, and says when there is more than it looks into', () => {
  const root = tempDir();
  folders(root, ...Array.from({ length: 2_100 }, (_, n) => `0${n}`));
  // The newest of all, so that nothing finds it but being known.
  folders(root, 'new/.git');
  const git = join(root, 'new/.git');
  expect(findRepositories(root)).toEqual({ found: [], all: false });
  expect(findRepositories(root, [git])).toEqual({ found: [git], all: false });
  rmSync(git, { recursive: true });
  expect(findRepositories(root, [git]).found).toEqual([]);
});

it('takes for a git folder what bears any mark of one, also below another and by a name of git’s own', () => {
  const git = join(tempDir(), '.git');
  folders(
    git,
    'modules/a/objects',
    'modules/a/refs',
    'modules/a/logs',
    'modules/a/info',
    'modules/b/c/hooks',
  );
  folders(git, 'worktrees/w', 'modules/a/modules/in', 'modules/none/of/them');
  for (const file of [
    'modules/a/logs/HEAD',
    'modules/a/info/config',
    'modules/b/HEAD',
    'modules/b/c/config',
  ]) {
    writeFileSync(join(git, file), '');
  }
  writeFileSync(join(git, 'worktrees/w/commondir'), '../..\n');
  writeFileSync(join(git, 'modules/a/modules/in/config'), '');
  const found = [
    'modules/a',
    'modules/a/info',
    'modules/a/modules/in',
    'modules/b',
    'modules/b/c',
    'worktrees/w',
  ];
  expect(gitFoldersIn(git).sort()).toEqual(found.map((name) => join(git, name)));
});

it('tells a worktree’s folder from that of a repository or a submodule, whatever they are called', () => {
  const root = join(tempDir(), 'worktrees');
  const git = join(root, '.git');
  const ofWorktrees = ['worktrees/w', 'modules/modules/worktrees/w', 'modules/a/worktrees/w'];
  const ofOthers = ['modules/a', 'modules/modules', 'modules/worktrees/y', 'modules/x/worktrees/y'];
  for (const name of ['', ...ofOthers, ...ofWorktrees]) {
    folders(git, name);
    writeFileSync(join(git, name, 'HEAD'), 'ref: refs/heads/main\n');
  }
  // Only a folder that has neither of the two is closed whole.
  for (const name of ['', 'modules/a', 'modules/modules']) writeFileSync(join(git, name, 'config'), '');
  const found = gitFoldersIn(git).filter((folder) => isOfWorktree(folder, git));
  expect(new Set(found)).toEqual(new Set(ofWorktrees.map((name) => join(git, name))));
  expect(protectedPlaces(root, [git])).toContain(join(git, 'config'));
  expect(protectedPlaces(root, [git])).not.toContain(git);
});
