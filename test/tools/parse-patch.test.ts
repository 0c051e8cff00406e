import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRunmeshError } from '../../src/kit/errors.ts';
import { type FilePatch, parsePatch } from '../../src/tools/patch/parse-patch.ts';

const patchOf = (...lines: string[]) => ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');

describe('reading a patch', () => {
  it('reads every kind of section', () => {
    const sections = parsePatch(
      patchOf(
        '*** Add File: new.txt',
        '+one',
        '+',
        '*** Delete File: old.txt',
        '*** Update File: a.py',
        '*** Move to: b.py',
        '@@ class A',
        '@@   def f():',
        ' keep',
        '-out',
        '+in',
        '*** End of File',
      ),
    );
    expect(sections).toEqual([
      { kind: 'add', path: 'new.txt', text: 'one\n\n' },
      { kind: 'delete', path: 'old.txt' },
      {
        kind: 'update',
        path: 'a.py',
        movedTo: 'b.py',
        hunks: [
          {
            contexts: ['class A', '  def f():'],
            lines: [
              { kind: 'keep', text: 'keep' },
              { kind: 'remove', text: 'out' },
              { kind: 'add', text: 'in' },
            ],
            atEnd: true,
            patchLine: 8,
          },
        ],
      },
    ]);
  });

  it.each([
    ['a here-document', "<<'EOF'\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nEOF\n"],
    [
      'a command with a here-document',
      'apply_patch <<EOF\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nEOF',
    ],
    ['blanks around the markers', '\n  *** Begin Patch \n *** Delete File: a \n\n*** End Patch  \n\n'],
    ['line ends of Windows', '*** Begin Patch\r\n*** Delete File: a\r\n*** End Patch\r\n'],
  ])('takes %s', (_, patch) => {
    expect(parsePatch(patch)).toEqual([{ kind: 'delete', path: 'a' }]);
  });

  it('takes a first hunk without @@, the ranges of a unified diff, and empty lines between hunks', () => {
    const [section] = parsePatch(
      patchOf('*** Update File: a', '-x', '', '@@ -3,2 +3,2 @@ def f()', '+y', '', '@@ -9 +9 @@', ' z'),
    );
    expect(section).toMatchObject({
      hunks: [
        { contexts: [], lines: [{ kind: 'remove', text: 'x' }] },
        { contexts: ['def f()'], lines: [{ kind: 'add', text: 'y' }] },
        { contexts: [], lines: [{ kind: 'keep', text: 'z' }] },
      ],
    });
  });

  it.each([
    ['no beginning', 'hello', 'first line'],
    ['no end', '*** Begin Patch\n*** Delete File: a', 'last line'],
    ['nothing in it', patchOf(), 'no file section'],
    ['a header nobody knows', patchOf('*** Rename File: a'), 'Line 2'],
    ['a header without a file', patchOf('*** Delete File: '), 'Line 2'],
    ['an update without a hunk', patchOf('*** Update File: a'), 'no hunk'],
    ['a hunk without lines', patchOf('*** Update File: a', '@@ x'), 'line 3'],
    ['a line without a sign', patchOf('*** Update File: a', '@@', ' fine', 'bare'), 'Line 5'],
    ['a later hunk without @@', patchOf('*** Update File: a', ' x', '*** End of File', ' y'), 'Line 5'],
  ])('refuses a patch with %s and says where', (_, patch, where) => {
    expect(() => parsePatch(patch)).toThrow(where);
  });

  it('reads back any patch that is written by the rules', () => {
    fc.assert(
      fc.property(fc.array(section, { minLength: 1, maxLength: 4 }), (sections) => {
        const read = parsePatch(patchOf(...sections.flatMap(write)));
        expect(read.map(({ kind, path }) => ({ kind, path }))).toEqual(
          sections.map(({ kind, path }) => ({ kind, path })),
        );
        expect(read.flatMap(write)).toEqual(sections.flatMap(write));
      }),
    );
  });

  it('throws nothing but patch_invalid for mutilated patches', () => {
    const mutilated = fc
      .tuple(
        fc.array(section, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(20), fc.string()), { maxLength: 4 }),
      )
      .map(([sections, wounds]) =>
        wounds.reduce(
          (text, [at, length, put]) => {
            const start = at % (text.length + 1);
            return text.slice(0, start) + put + text.slice(start + length);
          },
          patchOf(...sections.flatMap(write)),
        ),
      );
    fc.assert(
      fc.property(fc.oneof(mutilated, fc.string({ unit: 'binary' })), (text) => {
        try {
          parsePatch(text);
        } catch (error) {
          if (!isRunmeshError(error, 'patch_invalid')) throw error;
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

const path = fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8})?\.txt$/);
const text = fc.stringMatching(/^[a-z(){} .+*@-]{0,12}$/);
const hunk = fc.record({
  contexts: fc.array(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 2 }),
  lines: fc.array(
    fc.record({ kind: fc.constantFrom('keep' as const, 'remove' as const, 'add' as const), text }),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
  atEnd: fc.boolean(),
  patchLine: fc.constant(0),
});
const section: fc.Arbitrary<FilePatch> = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    path,
    text: fc.array(text).map((lines) => lines.map((line) => `${line}\n`).join('')),
  }),
  fc.record({ kind: fc.constant('delete' as const), path }),
  fc.record({
    kind: fc.constant('update' as const),
    path,
    hunks: fc.array(hunk, { minLength: 1, maxLength: 3 }),
  }),
);

function write(patch: FilePatch): string[] {
  if (patch.kind === 'delete') return [`*** Delete File: ${patch.path}`];
  if (patch.kind === 'add') {
    return [
      `*** Add File: ${patch.path}`,
      ...patch.text
        .split('\n')
        .slice(0, -1)
        .map((line) => `+${line}`),
    ];
  }
  const signs = { keep: ' ', remove: '-', add: '+' };
  return [
    `*** Update File: ${patch.path}`,
    ...patch.hunks.flatMap(({ contexts, lines, atEnd }) => [
      ...(contexts.length === 0 ? ['@@'] : contexts.map((context) => `@@ ${context}`)),
      ...lines.map((line) => signs[line.kind] + line.text),
      ...(atEnd ? ['*** End of File'] : []),
    ]),
  ];
}
