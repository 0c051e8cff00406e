import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { fileSearch } from '../../src/tools/file-search.ts';
import { grep } from '../../src/tools/grep.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import { call, contextOf, workspaceWith } from './harness.ts';

const files = {
  '.gitignore': 'node_modules\n*.log\n',
  'src/a.ts': 'first\nneedle one\nlast\n',
  'src/b.tsx': 'Needle: two\n',
  'src/node_modules/x/c.ts': 'needle ignored\n',
  'run.log': 'needle ignored\n',
  '.github/d.yml': 'needle three\n',
  '.git/config': 'needle never\n',
  'bin.dat': Buffer.from('needle\0binary'),
};

describe('file_search', () => {
  it.each([
    ['*.ts', ['src/a.ts']],
    ['*.{ts,tsx}', ['src/a.ts', 'src/b.tsx']],
    ['src/**', ['src/a.ts', 'src/b.tsx']],
    ['**/*.yml', ['.github/d.yml']],
    ['./src/*.tsx', ['src/b.tsx']],
    ['[ab].ts*', ['src/a.ts', 'src/b.tsx']],
    ['**/*', ['.github/d.yml', '.gitignore', 'bin.dat', 'src/a.ts', 'src/b.tsx']],
  ])('finds %s, and nothing that git ignores', async (pattern, found) => {
    expect((await call(fileSearch, workspaceWith(files), { pattern })).text.split('\n')).toEqual(found);
  });

  it('looks in one folder, by paths of the workspace', async () => {
    const workspace = workspaceWith(files);
    expect((await call(fileSearch, workspace, { pattern: '*.yml', path: 'src' })).text).toBe(
      '[no file fits *.yml]',
    );
    expect((await call(fileSearch, workspace, { pattern: '*.ts', path: 'src' })).text).toBe('src/a.ts');
  });

  it('stops at 500 files and says so', async () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`f${n}.txt`, '']));
    const lines = (await call(fileSearch, workspaceWith(many), { pattern: '*.txt' })).text.split('\n');
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toContain('only the first 500');
  });

  it('refuses a folder outside, a missing one, and a pattern that is none', async () => {
    const workspace = workspaceWith(files);
    for (const args of [
      { pattern: '*', path: '..' },
      { pattern: '*', path: 'no' },
      { pattern: '' },
      { pattern: 'a\nb' },
    ]) {
      expect(await call(fileSearch, workspace, args)).toMatchObject({ isError: true });
    }
  });

  it('leaves nothing in the folder for temporary files', async () => {
    const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('runmesh-search-'));
    const before = left();
    await call(fileSearch, workspaceWith(files), { pattern: '*.ts' });
    expect(left().filter((name) => !before.includes(name))).toEqual([]);
  });
});

describe('grep', () => {
  it('answers path, line and text, and nothing of what git ignores', async () => {
    expect((await call(grep, workspaceWith(files), { pattern: 'needle' })).text.split('\n').sort()).toEqual([
      '.github/d.yml:1:needle three',
      'src/a.ts:2:needle one',
    ]);
  });

  it('narrows by case, path and glob', async () => {
    const workspace = workspaceWith(files);
    const all = { pattern: 'NEEDLE', case_insensitive: true };
    expect((await call(grep, workspace, { ...all, path: 'src' })).text).toBe(
      'src/a.ts:2:needle one\nsrc/b.tsx:1:Needle: two',
    );
    expect((await call(grep, workspace, { ...all, include: '*.tsx' })).text).toBe('src/b.tsx:1:Needle: two');
    expect((await call(grep, workspace, { ...all, include: 'src/**' })).text.split('\n')).toHaveLength(2);
    expect((await call(grep, workspace, { pattern: 'first', path: 'src/a.ts' })).text).toBe(
      'src/a.ts:1:first',
    );
  });

  it('shows the lines around a match, which do not count as results', async () => {
    const args = { pattern: 'needle one', context: 1, max_results: 1 };
    expect((await call(grep, workspaceWith(files), args)).text).toBe(
      'src/a.ts-1-first\nsrc/a.ts:2:needle one\nsrc/a.ts-3-last',
    );
  });

  it('stops at the results asked for, and before the answer is too long', async () => {
    const workspace = workspaceWith({ a: 'hit\n'.repeat(50), long: `${'y'.repeat(490)}\n`.repeat(1_000) });
    const few = (await call(grep, workspace, { pattern: 'hit', max_results: 3 })).text.split('\n');
    expect(few).toEqual([
      'a:1:hit',
      'a:2:hit',
      'a:3:hit',
      expect.stringContaining('only the first 3 matching lines'),
    ]);
    const { text } = await call(grep, workspace, { pattern: 'y', max_results: 1_000 });
    expect(text).toMatch(/\[only the first 7\d matching lines fit here; narrow .*\]$/);
    expect(text).not.toContain('were cut here');
  });

  it('shortens a very long line', async () => {
    const { text } = await call(grep, workspaceWith({ a: `needle${'x'.repeat(100_000)}` }), {
      pattern: 'needle',
    });
    expect(text.length).toBeLessThan(700);
  });

  it('takes a pattern that looks like an option as a pattern', async () => {
    const workspace = workspaceWith({ a: '--pre=touch\n' });
    expect((await call(grep, workspace, { pattern: '--pre=touch' })).text).toBe('a:1:--pre=touch');
  });

  it('says that nothing matches', async () => {
    expect(await call(grep, workspaceWith(files), { pattern: 'zzz' })).toEqual({
      text: '[nothing matches zzz]',
    });
  });

  it('tells what is wrong with a regular expression', async () => {
    expect(await call(grep, workspaceWith(files), { pattern: 'a(' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('unclosed group'),
    });
  });

  it('says where it could not look when the workspace is gone', async () => {
    const workspace = workspaceWith(files);
    rmSync(workspace.root, { recursive: true });
    const { text, isError } = await call(grep, workspace, { pattern: 'needle' });
    expect({ text, isError }).toEqual({ text: expect.stringContaining(workspace.root), isError: true });
  });

  it('refuses a folder outside the workspace', async () => {
    expect(await call(grep, workspaceWith(files), { pattern: 'root', path: '/etc' })).toMatchObject({
      isError: true,
    });
  });

  it('ends with its run', async () => {
    const abort = new AbortController();
    const context = contextOf(workspaceWith(files), { signal: abort.signal });
    const search = executeTool(grep, 'grep', '{"pattern":"needle"}', context);
    abort.abort(new Error('cancelled'));
    await expect(search).rejects.toThrow('cancelled');
  });
});
