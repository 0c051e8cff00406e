import { createTwoFilesPatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyHunks } from '../../src/tools/patch/apply-hunks.ts';
import { parsePatch } from '../../src/tools/patch/parse-patch.ts';

/** The text after the hunks that these lines write. */
function apply(text: string, ...lines: string[]): string {
  const [section] = parsePatch(
    ['*** Begin Patch', '*** Update File: f', ...lines, '*** End Patch'].join('\n'),
  );
  if (section?.kind !== 'update') throw new Error('no update');
  return applyHunks(text, section.hunks, 'f');
}

describe('applying hunks', () => {
  it('replaces, removes and adds lines, one hunk after the other', () => {
    expect(apply('a\nb\nc\nd\ne\n', '@@', ' a', '-b', '+B', '@@', ' d', '+d2', '-e')).toBe(
      'a\nB\nc\nd\nd2\n',
    );
  });

  it('finds the right one of equal lines by the contexts above it', () => {
    const text = 'class A\n  def f\n    pass\nclass B\n  def e\n    pass\n  def f\n    pass\n';
    expect(apply(text, '@@ class B', '@@   def f', '-    pass', '+    return')).toBe(
      'class A\n  def f\n    pass\nclass B\n  def e\n    pass\n  def f\n    return\n',
    );
  });

  it('puts lines that only come behind their context, or at the end of the file', () => {
    expect(apply('a\nb\n', '@@ a', '+new')).toBe('a\nnew\nb\n');
    expect(apply('a\nb\n', '@@', '+new')).toBe('a\nb\nnew\n');
    expect(apply('', '@@', '+new')).toBe('new\n');
  });

  it('takes the last place with End of File', () => {
    expect(apply('x\ny\nx\n', '@@', '-x', '+z', '*** End of File')).toBe('x\ny\nz\n');
    expect(apply('x\ny\n', '@@', '-x', '+z', '*** End of File')).toBe('z\ny\n');
  });

  it.each([
    ['blanks at line ends', 'a  \nb\n', 'a'],
    ['another indentation', '\t\ta\nb\n', '  a'],
    ['typographic punctuation', 'say \u201cit\u2019s\u201d \u2014 now\nb\n', 'say "it\'s" - now'],
  ])('finds lines in spite of %s, and keeps theirs as they are', (_, text, written) => {
    expect(apply(text, '@@', ` ${written}`, '-b', '+c')).toBe(text.replace('b', 'c'));
  });

  it('keeps the line ends of the file, and ends a text with one', () => {
    expect(apply('a\r\nb\r\n', '@@', ' a', '-b', '+c')).toBe('a\r\nc\r\n');
    expect(apply('a\nb', '@@', '-a', '+c')).toBe('c\nb\n');
    expect(apply('a\n', '@@', '-a')).toBe('');
    expect(apply('\uFEFFa\nb\n', '@@', '-a', '+c', ' b')).toBe('\uFEFFc\nb\n');
  });

  it.each([
    ['a context that is not there', ['@@ nowhere', '-a'], 'no line "nowhere"'],
    ['lines that are not there', ['@@', '-q', '-r'], 'These lines are not in the file:\nq\nr'],
    [
      'lines that part from the file',
      ['@@', ' a', '-x'],
      'at line 2, the file has "b" where the patch has "x"',
    ],
    ['a hunk above the one before it', ['@@', '-c', '@@', '-a'], 'its lines stand at line 1'],
    ['a file that ends too soon', ['@@', ' c', ' d'], 'the file ends'],
  ])('says why %s does not fit', (_, lines, why) => {
    expect(() => apply('a\nb\nc\n', ...lines)).toThrow(why);
  });

  it('turns any text into any other by the hunks of their difference', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', ' c', '', 'dd'), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        // With all of the file as context there is only one place to put a hunk.
        const diff = createTwoFilesPatch('f', 'f', before, after, '', '', { context: 1_000 });
        const lines = diff.slice(diff.indexOf('@@ ')).split('\n').slice(0, -1);
        expect(apply(before, ...lines)).toBe(after);
      }),
    );
  });
});
