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

  it('shows lines of any encoding and with any ends, of a folder as of a file', async () => {
    const utf16 = Buffer.from('\ufeffone\nneedle é 🐢\nneedle again\n', 'utf16le');
    const workspace = workspaceWith({
      'a/bytes': Buffer.from('needle \xff\xfe two\r\nneedle on\r\n', 'latin1'),
      'a/crlf': 'é\r\nneedle\r\n',
      'a/marked': '\ufeffneedle é\nneedle two\n',
      'a/utf16be': Buffer.from(utf16).swap16(),
      'a/utf16le': utf16,
      'a/wide': `needle ${'é'.repeat(600)} needle`,
    });
    const { text } = await call(grep, workspace, { pattern: 'needle' });
    expect(text.split('\n')).toEqual([
      'a/bytes:1:needle \ufffd\ufffd two',
      'a/bytes:2:needle on',
      'a/crlf:2:needle',
      'a/marked:1:needle é',
      'a/marked:2:needle two',
      'a/utf16be:2:needle é 🐢',
      'a/utf16be:3:needle again',
      'a/utf16le:2:needle é 🐢',
      'a/utf16le:3:needle again',
      expect.stringMatching(/^a\/wide:1:needle é{200,} \[\.\.\. end of long line]$/),
    ]);
    const one = await call(grep, workspace, { pattern: 'needle', path: 'a/utf16le', context: 1 });
    expect(one.text).toBe('a/utf16le-1-one\na/utf16le:2:needle é 🐢\na/utf16le:3:needle again');
  });

  it('parts lines that are apart, and says of a file that it is binary', async () => {
    const workspace = workspaceWith({
      a: 'needle\n1\n2\n3\n4\nneedle\n',
      b: 'needle\n',
      'bin.dat': 'needle\0needle',
    });
    const { text } = await call(grep, workspace, { pattern: 'needle', context: 1 });
    expect(text).toBe('a:1:needle\na-2-1\n--\na-5-4\na:6:needle\n--\nb:1:needle');
    expect((await call(grep, workspace, { pattern: 'needle', path: 'bin.dat' })).text).toMatch(
      /^bin\.dat: binary file matches/,
    );
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
