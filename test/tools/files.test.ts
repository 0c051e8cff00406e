import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/guard/workspaces.ts';
import { deleteFile } from '../../src/tools/delete-file.ts';
import { editFile } from '../../src/tools/edit-file.ts';
import { listDirectory } from '../../src/tools/list-directory.ts';
import { readFile } from '../../src/tools/read-file.ts';
import { writeFile } from '../../src/tools/write-file.ts';
import { call, workspaceWith } from './harness.ts';

const disk = ({ root }: Workspace, path: string) => readFileSync(join(root, path), 'utf8');

describe('read_file', () => {
  it('numbers lines by a tab, whatever their line ends', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one\r\n\ttwo\n\nfour' });
    expect(await call(readFile, workspace, { path: 'a.txt' })).toEqual({
      text: '1\tone\n2\t\ttwo\n3\t\n4\tfour',
    });
  });

  it('reads on from an offset and says where to go on', async () => {
    const workspace = workspaceWith({ 'a.txt': 'a\nb\nc\nd\n' });
    expect((await call(readFile, workspace, { path: 'a.txt', offset: 2, limit: 2 })).text).toBe(
      '2\tb\n3\tc\n[lines 2 to 3 of 4 in a.txt; read on with offset 4]',
    );
    expect((await call(readFile, workspace, { path: 'a.txt', offset: 4 })).text).toBe('4\td');
  });

  it('gives pages that fit, and together are the file', async () => {
    const lines = Array.from({ length: 3_000 }, (_, n) => `${n} ${'x'.repeat(40)}`);
    const workspace = workspaceWith({ 'a.txt': lines.join('\n') });
    const read: string[] = [];
    for (let offset: number | undefined = 1; offset !== undefined; ) {
      const { text } = await call(readFile, workspace, { path: 'a.txt', offset });
      expect(text).not.toContain('were cut here');
      const next = /\[lines .* read on with offset (\d+)\]$/.exec(text);
      read.push(...text.replace(/\n\[lines .*$/, '').split('\n'));
      offset = next === null ? undefined : Number(next[1]);
    }
    expect(read).toEqual(lines.map((line, index) => `${index + 1}\t${line}`));
  });

  it('cuts a line that is very long, and says it', async () => {
    const workspace = workspaceWith({ 'a.txt': 'x'.repeat(5_000) });
    expect((await call(readFile, workspace, { path: 'a.txt' })).text).toMatch(
      /^1\tx{2000} \[… 3000 more characters of this line\]$/,
    );
  });

  it.each([
    [{ path: 'no.txt' }, 'does not exist'],
    [{ path: 'image' }, 'not UTF-8 text'],
    [{ path: 'latin1' }, 'not UTF-8 text'],
    [{ path: 'sub' }, 'folder'],
    [{ path: '../x' }, 'outside the workspace'],
    [{ path: '/etc/passwd' }, 'outside the workspace'],
    [{ path: 'a.txt', offset: 9 }, 'offset'],
    [{ path: 'a.txt', offset: 0 }, '"offset"'],
    [{}, '"path"'],
  ])('refuses %j', async (args, why) => {
    const files = { 'a.txt': 'a\n', image: Buffer.from([1, 0, 2]), latin1: Buffer.from([0xe9]), 'sub/x': '' };
    expect(await call(readFile, workspaceWith(files), args)).toMatchObject({
      isError: true,
      text: expect.stringContaining(why),
    });
  });

  it('says that a file is empty', async () => {
    expect(await call(readFile, workspaceWith({ a: '' }), { path: 'a' })).toEqual({ text: '[a is empty]' });
  });
});

describe('write_file', () => {
  it('makes a file with its folders, and replaces one', async () => {
    const workspace = workspaceWith();
    const made = await call(writeFile, workspace, { path: 'x/y.txt', content: 'é\n' });
    expect(made.text).toBe('Created x/y.txt (3 bytes).');
    expect(made.fileChanges).toMatchObject([{ kind: 'add', path: 'x/y.txt' }]);
    const replaced = await call(writeFile, workspace, { path: 'x/y.txt', content: '' });
    expect(replaced.text).toBe('Replaced x/y.txt (0 bytes).');
    expect(replaced.fileChanges?.[0]).toMatchObject({ kind: 'update', diff: expect.stringContaining('-é') });
    expect(disk(workspace, 'x/y.txt')).toBe('');
  });

  it('refuses a folder, a path outside and what git runs', async () => {
    const workspace = workspaceWith({ 'sub/x': '' });
    for (const path of ['sub', '../x', '.git/config', '.GIT/hooks/x']) {
      expect(await call(writeFile, workspace, { path, content: 'x' })).toMatchObject({ isError: true });
    }
    expect(existsSync(join(workspace.root, '..', 'x'))).toBe(false);
  });
});

describe('edit_file', () => {
  it('replaces the one place, taking the new text as it is', async () => {
    const workspace = workspaceWith({ 'a.txt': 'one two three\n' });
    const output = await call(editFile, workspace, {
      path: 'a.txt',
      old_string: 'two',
      new_string: "$& $1 $'",
    });
    expect(disk(workspace, 'a.txt')).toBe("one $& $1 $' three\n");
    expect(output.fileChanges).toMatchObject([{ kind: 'update', path: 'a.txt' }]);
  });

  it('says how often a text stands there, and replaces all when asked to', async () => {
    const workspace = workspaceWith({ 'a.txt': 'x x x' });
    const args = { path: 'a.txt', old_string: 'x', new_string: 'y' };
    expect((await call(editFile, workspace, args)).text).toContain('3 times');
    expect(disk(workspace, 'a.txt')).toBe('x x x');
    expect((await call(editFile, workspace, { ...args, replace_all: true })).text).toBe(
      'Replaced it 3 times in a.txt.',
    );
    expect(disk(workspace, 'a.txt')).toBe('y y y');
  });

  it('finds lines with plain ends in a file with others, and keeps those', async () => {
    const workspace = workspaceWith({ 'a.txt': 'a\r\nb\r\nc\r\n' });
    await call(editFile, workspace, { path: 'a.txt', old_string: 'a\nb\n', new_string: 'A\nB\nX\n' });
    expect(disk(workspace, 'a.txt')).toBe('A\r\nB\r\nX\r\nc\r\n');
  });

  it.each([
    [{ old_string: 'q', new_string: 'r' }, 'not in a.txt'],
    [{ old_string: 'a', new_string: 'a' }, 'same text'],
    [{ old_string: '', new_string: 'a' }, '"old_string"'],
  ])('refuses %j', async (args, why) => {
    const output = await call(editFile, workspaceWith({ 'a.txt': 'a' }), { path: 'a.txt', ...args });
    expect(output).toMatchObject({ isError: true, text: expect.stringContaining(why) });
  });
});

describe('delete_file', () => {
  it('deletes a file and reports what was in it, where that is text', async () => {
    const workspace = workspaceWith({ a: 'text\n', b: Buffer.from([0]) });
    expect((await call(deleteFile, workspace, { path: 'a' })).fileChanges?.[0]?.diff).toContain('-text');
    expect((await call(deleteFile, workspace, { path: 'b' })).fileChanges).toEqual([
      { kind: 'delete', path: 'b' },
    ]);
    expect(existsSync(join(workspace.root, 'a'))).toBe(false);
  });

  it('deletes a link that leads out, never what it leads to', async () => {
    const workspace = workspaceWith();
    symlinkSync('/etc/hostname', join(workspace.root, 'link'));
    const output = await call(deleteFile, workspace, { path: 'link' });
    expect(output.fileChanges).toEqual([{ kind: 'delete', path: 'link' }]);
    expect(existsSync('/etc/hostname')).toBe(true);
  });

  it('refuses folders, missing files and paths outside', async () => {
    const workspace = workspaceWith({ 'sub/x': '' });
    for (const path of ['sub', 'no', '../x', '.']) {
      expect(await call(deleteFile, workspace, { path })).toMatchObject({ isError: true });
    }
    expect(existsSync(join(workspace.root, 'sub/x'))).toBe(true);
  });
});

describe('list_directory', () => {
  const files = {
    'src/a.ts': '',
    'src/deep/b.ts': '',
    'README.md': '',
    '.git/HEAD': '',
    'node_modules/x/y.js': '',
  };

  it('lists a folder by name, and deeper when asked to', async () => {
    const workspace = workspaceWith(files);
    symlinkSync('README.md', join(workspace.root, 'link'));
    expect((await call(listDirectory, workspace, {})).text.split('\n')).toEqual([
      '.git/',
      'README.md',
      'link@',
      'node_modules/',
      'src/',
    ]);
    expect((await call(listDirectory, workspace, { depth: 3 })).text.split('\n')).toEqual([
      '.git/',
      'README.md',
      'link@',
      'node_modules/',
      'src/',
      '  a.ts',
      '  deep/',
      '    b.ts',
    ]);
    expect((await call(listDirectory, workspace, { path: 'node_modules', depth: 2 })).text).toBe(
      'x/\n  y.js',
    );
  });

  it('stops at a thousand entries and says so', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`f${n}`, '']));
    const lines = (await call(listDirectory, workspaceWith(many), {})).text.split('\n');
    expect(lines).toHaveLength(1_001);
    expect(lines.at(-1)).toContain('only the first 1000');
  });

  it('refuses a file, a missing folder, one outside, and a depth beyond its bound', async () => {
    const workspace = workspaceWith(files);
    for (const args of [{ path: 'README.md' }, { path: 'no' }, { path: '..' }, { depth: 6 }]) {
      expect(await call(listDirectory, workspace, args)).toMatchObject({ isError: true });
    }
    expect((await call(listDirectory, workspace, { path: 'README.md' })).text).toBe(
      'README.md is a file, not a folder.',
    );
  });
});
