import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/guard/workspaces.ts';
import { applyPatch } from '../../src/tools/apply-patch.ts';
import { call, workspaceWith } from './harness.ts';

const apply = (workspace: Workspace, ...lines: string[]) =>
  call(applyPatch, workspace, { input: ['*** Begin Patch', ...lines, '*** End Patch'].join('\n') });
const read = ({ root }: Workspace, path: string) => readFileSync(join(root, path), 'utf8');

describe('apply_patch', () => {
  it('adds, updates, moves and deletes files in one patch, and reports each with its diff', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one\ntwo\n', 'b.sh': 'echo old\n', 'c.txt': 'gone\n' });
    chmodSync(join(workspace.root, 'b.sh'), 0o755);
    const output = await apply(
      workspace,
      '*** Add File: new/d.txt',
      '+hello',
      '*** Update File: a.txt',
      '@@',
      ' one',
      '-two',
      '+zwei',
      '*** Update File: b.sh',
      '*** Move to: bin/b.sh',
      '@@',
      '-echo old',
      '+echo new',
      '*** Delete File: c.txt',
    );
    expect(output.text).toBe(
      'Success. Updated the following files:\nA new/d.txt\nM a.txt\nR b.sh -> bin/b.sh\nD c.txt',
    );
    expect(read(workspace, 'new/d.txt')).toBe('hello\n');
    expect(read(workspace, 'a.txt')).toBe('one\nzwei\n');
    expect(read(workspace, 'bin/b.sh')).toBe('echo new\n');
    expect(statSync(join(workspace.root, 'bin/b.sh')).mode & 0o777).toBe(0o755);
    expect(existsSync(join(workspace.root, 'b.sh'))).toBe(false);
    expect(existsSync(join(workspace.root, 'c.txt'))).toBe(false);
    expect(output.fileChanges).toEqual([
      { kind: 'add', path: 'new/d.txt', diff: '--- /dev/null\n+++ b/new/d.txt\n@@ -0,0 +1,1 @@\n+hello\n' },
      {
        kind: 'update',
        path: 'a.txt',
        diff: '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n',
      },
      {
        kind: 'move',
        path: 'b.sh',
        movedTo: 'bin/b.sh',
        diff: '--- a/b.sh\n+++ b/bin/b.sh\n@@ -1,1 +1,1 @@\n-echo old\n+echo new\n',
      },
      { kind: 'delete', path: 'c.txt', diff: '--- a/c.txt\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-gone\n' },
    ]);
  });

  it('changes nothing when one of its sections does not fit', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one\n' });
    const output = await apply(
      workspace,
      '*** Add File: new.txt',
      '+hello',
      '*** Update File: a.txt',
      '@@',
      '-nothing like it',
      '+two',
    );
    expect(output).toMatchObject({
      isError: true,
      text: expect.stringContaining('Hunk 1 of a.txt (line 5 of the patch)'),
    });
    expect(output.fileChanges).toBeUndefined();
    expect(existsSync(join(workspace.root, 'new.txt'))).toBe(false);
    expect(read(workspace, 'a.txt')).toBe('one\n');
  });

  it('lets each section build on those before it', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one\n' });
    await apply(
      workspace,
      '*** Update File: a.txt',
      '*** Move to: b.txt',
      '*** Update File: b.txt',
      '@@',
      '-one',
      '+two',
      '*** Add File: a.txt',
      '+fresh',
    );
    expect(read(workspace, 'b.txt')).toBe('two\n');
    expect(read(workspace, 'a.txt')).toBe('fresh\n');
  });

  it('replaces a file that is added where one stands, and says it as an update', async () => {
    const workspace = workspaceWith({ 'a.txt': 'old\n' });
    const output = await apply(workspace, '*** Add File: a.txt', '+new');
    expect(output.text).toContain('M a.txt');
    expect(read(workspace, 'a.txt')).toBe('new\n');
  });

  it('says what was written when writing stops half way', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one\n' });
    // The folder that the second file needs is a file that the first section makes: known only when it is written.
    const output = await apply(workspace, '*** Add File: sub', '+x', '*** Add File: sub/b.txt', '+y');
    expect(output.isError).toBe(true);
    expect(output.text).toContain('stopped at sub/b.txt');
    expect(output.text).toContain('A sub');
    expect(output.fileChanges).toMatchObject([{ kind: 'add', path: 'sub' }]);
  });

  it.each([
    ['an absolute path', ['*** Add File: /tmp/x', '+x'], 'absolute'],
    ['a path out of the workspace', ['*** Add File: ../x', '+x'], 'outside the workspace'],
    ['a move out of the workspace', ['*** Update File: a.txt', '*** Move to: ../x'], 'outside the workspace'],
    ['a file that is not there', ['*** Update File: no.txt', '@@', '-a'], 'no.txt cannot be updated'],
    ['deleting what is not there', ['*** Delete File: no.txt'], 'no.txt cannot be deleted'],
    ['deleting a folder', ['*** Delete File: sub'], 'folder'],
    ['a file that is not text', ['*** Update File: image.png', '@@', '-a'], 'not UTF-8 text'],
    ['a move onto a folder', ['*** Update File: a.txt', '*** Move to: sub'], 'folder'],
    ['the hooks of git', ['*** Add File: .git/hooks/pre-commit', '+rm'], 'may not be changed'],
  ])('refuses %s', async (_, lines, why) => {
    const workspace = workspaceWith({
      'a.txt': 'one\n',
      'image.png': Buffer.from([0x89, 0x50, 0, 1]),
      'sub/x': 'x',
    });
    const output = await apply(workspace, ...lines);
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining(why) });
    expect(read(workspace, 'a.txt')).toBe('one\n');
  });

  it('writes through no link that leads out, and deletes a link instead of its target', async () => {
    const workspace = workspaceWith({ 'target.txt': 'safe\n' });
    const outside = join(workspace.root, '..', 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.txt'), 'secret\n');
    symlinkSync(join(outside, 'secret.txt'), join(workspace.root, 'out.txt'));
    symlinkSync(outside, join(workspace.root, 'folder'));
    symlinkSync('target.txt', join(workspace.root, 'link.txt'));
    expect((await apply(workspace, '*** Add File: out.txt', '+x')).isError).toBe(true);
    expect((await apply(workspace, '*** Add File: folder/new.txt', '+x')).isError).toBe(true);
    expect((await apply(workspace, '*** Update File: out.txt', '@@', '-secret', '+x')).isError).toBe(true);
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret\n');
    expect(existsSync(join(outside, 'new.txt'))).toBe(false);
    expect(await apply(workspace, '*** Delete File: link.txt')).not.toHaveProperty('isError');
    expect(read(workspace, 'target.txt')).toBe('safe\n');
    expect(() => lstatSync(join(workspace.root, 'link.txt'))).toThrow();
    symlinkSync('nowhere', join(workspace.root, 'dangling'));
    const deleted = await apply(workspace, '*** Delete File: out.txt', '*** Delete File: dangling');
    expect(deleted.fileChanges).toEqual([
      { kind: 'delete', path: 'out.txt' },
      { kind: 'delete', path: 'dangling' },
    ]);
    expect(() => lstatSync(join(workspace.root, 'out.txt'))).toThrow();
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret\n');
  });

  it('cuts a diff at 64 KiB with a line that says so', async () => {
    const output = await apply(
      workspaceWith(),
      '*** Add File: big.txt',
      ...Array.from({ length: 10_000 }, (_, n) => `+line ${n} é`),
    );
    const diff = output.fileChanges?.[0]?.diff ?? '';
    expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(65_536);
    expect(diff).toMatch(/\n\+line \d+ é\n\[The diff is cut here: \d+ of its \d+ bytes are left out\.\]\n$/);
  });
});
