import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hooksFolders } from '../../src/guard/hooks-folder.ts';
import { refuseUnwritable, resolveInside } from '../../src/guard/inside.ts';
import { protectedPlaces } from '../../src/guard/protected-places.ts';
import { policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

/** A repository with a commit, whose hooks are in `.husky`. */
function aRepository(): { root: string; git: (...args: string[]) => void } {
  const root = join(tempDir(), 'w');
  mkdirSync(root);
  const who = ['-c', 'user.name=o', '-c', 'user.email=o@example.com', '-c', 'protocol.file.allow=always'];
  const git = (...args: string[]) =>
    void execFileSync('git', [...who, ...args], { cwd: root, stdio: 'ignore' });
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  git('config', 'core.hooksPath', '.husky/_');
  return { root, git };
}

async function mayWrite(root: string, path: string): Promise<boolean> {
  const workspace = { name: 'default', root, policy: policyFor(root) };
  try {
    refuseUnwritable(workspace, await resolveInside(workspace, path, 'parents'));
    return true;
  } catch {
    return false;
  }
}

describe('the folders of hooks that a config names', () => {
  it('are found from a worktree, and those that it alone has', () => {
    const { root, git } = aRepository();
    const tree = join(root, 'tree');
    git('worktree', 'add', '-q', tree);
    expect(hooksFolders(tree)).toEqual([join(tree, '.husky')]);
    git('config', 'extensions.worktreeConfig', 'true');
    git('-C', tree, 'config', '--worktree', 'core.hooksPath', 'own-hooks');
    expect(hooksFolders(tree)).toEqual([join(tree, '.husky'), join(tree, 'own-hooks')]);
    expect(hooksFolders(root)).toEqual([join(root, '.husky')]);
    mkdirSync(join(tree, 'own-hooks'));
    expect(protectedPlaces(root)).toContain(join(tree, 'own-hooks'));
  });

  it('are found from a submodule', async () => {
    const [{ root, git }, other] = [aRepository(), aRepository()];
    git('submodule', 'add', '-q', other.root, 'sub');
    git('-C', 'sub', 'config', 'core.hooksPath', 'tools/hooks');
    expect(hooksFolders(join(root, 'sub'))).toEqual([join(root, 'sub', 'tools', 'hooks')]);
    expect(await mayWrite(root, 'sub/tools/hooks/pre-commit')).toBe(false);
    expect(await mayWrite(root, 'sub/tools/other')).toBe(true);
  });

  it('are protected by their name and by where it leads', async () => {
    const { root } = aRepository();
    mkdirSync(join(root, 'kept', 'hooks'), { recursive: true });
    symlinkSync('kept/hooks', join(root, '.husky'));
    expect(await mayWrite(root, '.husky/pre-commit')).toBe(false);
    expect(await mayWrite(root, 'kept/hooks/pre-commit')).toBe(false);
    expect(await mayWrite(root, 'kept/notes')).toBe(true);
  });

  it('are not looked for in what is no file of git’s', () => {
    const root = tempDir();
    mkdirSync(join(root, '.git'));
    execFileSync('mkfifo', [join(root, '.git', 'config')]);
    expect(hooksFolders(root)).toEqual([]);
    const other = join(root, 'other');
    mkdirSync(other);
    writeFileSync(join(other, '.git'), 'gitdir: /dev/zero\n');
    expect(hooksFolders(other)).toEqual([]);
  });
});
