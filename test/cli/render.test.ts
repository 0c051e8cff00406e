import { describe, expect, it } from 'vitest';
import { clean, cleanLine, shorten } from '../../src/cli/render/clean.ts';
import { paintDiff, renderDiff } from '../../src/cli/render/diff.ts';
import { LiveText } from '../../src/cli/render/live-text.ts';
import { createPaint, type Paint } from '../../src/cli/render/paint.ts';
import { Screen } from '../../src/cli/render/screen.ts';
import { formatDuration, formatTable, formatUsage } from '../../src/control/words/format.ts';
import { describeCall } from '../../src/control/words/tool-line.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { fakeTerminal } from './harness.ts';

const PLAIN: Paint = (_format, text) => text;

describe('text of others on a terminal', () => {
  it.each([
    { what: 'colours', text: '\x1b[31mred\x1b[0m', left: 'red' },
    { what: 'a window title', text: '\x1b]0;owned\x07after', left: 'after' },
    { what: 'a write to the clipboard', text: '\x1b]52;c;ZXZpbA==\x1b\\after', left: 'after' },
    { what: 'a link', text: '\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\', left: 'text' },
    { what: 'a cleared screen', text: '\x1b[2J\x1b[Hgone', left: 'gone' },
    { what: 'the 8-bit forms', text: '\x9b31mred\x9d0;title\x9c.', left: 'red.' },
    { what: 'a terminal reset', text: '\x1bcx', left: 'x' },
    { what: 'backspaces and bells', text: 'rm\x08\x08\x07ls', left: 'rmls' },
    { what: 'a turned direction', text: 'a\u202ecod.exe\u2066b', left: 'acod.exeb' },
    { what: 'invisible tags', text: 'a\u{e0041}b', left: 'ab' },
    { what: 'a line that overwrites itself', text: 'safe\rrm -rf', left: 'safe\nrm -rf' },
  ])('loses $what', ({ text, left }) => {
    expect(clean(text)).toBe(left);
  });

  it('loses the power of a sequence that was cut in two', () => {
    expect(clean('\x1b]0;ti') + clean('tle\x07') + clean('\x1b') + clean('[2J')).toBe(']0;title[2J');
  });

  it('keeps words, tabs, line ends and other scripts', () => {
    const text = 'if (a) {\n\treturn "é 日本 🌱";\r\n}';
    expect(clean(text)).toBe(text.replace('\r', ''));
  });

  it('becomes one line where one line is wanted, cut at whole characters', () => {
    expect(cleanLine(' a\n  b\tc ')).toBe('a b c');
    expect(shorten('🌱🌱🌱🌱', 3)).toBe('🌱🌱…');
    expect(shorten('abc', 3)).toBe('abc');
  });
});

describe('colours', () => {
  it.each([
    { why: 'no terminal', env: {}, isTTY: false },
    { why: 'NO_COLOR', env: { NO_COLOR: '1' }, isTTY: true },
    { why: 'a dumb terminal', env: { TERM: 'dumb' }, isTTY: true },
  ])('stay away with $why', ({ env, isTTY }) => {
    expect(createPaint(env, fakeTerminal({ isTTY }))('red', 'x')).toBe('x');
  });

  it('go to a terminal', () => {
    expect(createPaint({}, fakeTerminal({ isTTY: true }))('red', 'x')).toBe('\x1b[31mx\x1b[39m');
  });
});

describe('figures for people', () => {
  it.each([
    [0, '0.0 s'],
    [1_250, '1.3 s'],
    [12_400, '12 s'],
    [59_600, '1 min 0 s'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
  ])('shows %i ms as %s', (ms, words) => {
    expect(formatDuration(ms)).toBe(words);
  });

  it('tells cached and reasoning tokens only where there are some', () => {
    expect(formatUsage({ ...NO_USAGE, inputTokens: 1_234, outputTokens: 5 })).toBe('1,234 tokens in, 5 out');
    expect(
      formatUsage({
        ...NO_USAGE,
        inputTokens: 10,
        cachedInputTokens: 4,
        outputTokens: 5,
        reasoningTokens: 2,
      }),
    ).toBe('10 tokens in (4 cached), 5 out (2 reasoning)');
  });

  it('lines up columns and leaves no space at the end', () => {
    expect(
      formatTable([
        ['run', 'status'],
        ['run_12', 'ok'],
        ['r', ''],
      ]),
    ).toEqual(['run     status', 'run_12  ok', 'r']);
  });
});

describe('a message as its deltas tell it', () => {
  function say(...deltas: [offset: number, text: string][]): string {
    const live = new LiveText();
    return deltas
      .map(([offset, text]) => live.take({ offset, text }))
      .map(({ text, anew }) => (anew ? `[anew]${text}` : text))
      .join('');
  }

  it('is appended to', () => {
    expect(say([0, 'Hel'], [3, 'lo'])).toBe('Hello');
  });

  it('says nothing twice when a reconnect repeats what was heard', () => {
    expect(say([0, 'Hello'], [0, 'Hello wor'], [9, 'ld'])).toBe('Hello world');
  });

  it('waits while a taken-back tail is said again in the same words', () => {
    expect(say([0, 'Hello world'], [5, ' wo'], [8, 'rld!'])).toBe('Hello world!');
  });

  it('begins again where a second try says something else', () => {
    expect(say([0, 'Hello world'], [6, 'there'])).toBe('Hello world[anew]Hello there');
  });

  it('ends with what its durable event adds', () => {
    const live = new LiveText();
    live.take({ offset: 0, text: 'Hel' });
    expect(live.close('Hello')).toEqual({ text: 'lo', anew: false });
    expect(live.close('Hello')).toEqual({ text: '', anew: false });
    expect(live.close('Bye')).toEqual({ text: 'Bye', anew: true });
  });
});

describe('a screen', () => {
  it('ends an open line before a whole one', () => {
    const terminal = fakeTerminal();
    const screen = new Screen(terminal);
    screen.write('open');
    screen.line('whole');
    screen.endLine();
    expect(terminal.text).toBe('open\nwhole\n');
  });

  it('replaces a passing line on a terminal, cut at its width, and shows none elsewhere', () => {
    const terminal = fakeTerminal({ isTTY: true, columns: 8 });
    const screen = new Screen(terminal);
    screen.passing('a long passing line', (text) => text);
    screen.line('done');
    expect(terminal.text).toBe('a long…\r\x1b[Kdone\n');
    const pipe = fakeTerminal();
    new Screen(pipe).passing('a long passing line', (text) => text);
    expect(pipe.text).toBe('');
  });
});

describe('a tool call in one line', () => {
  it.each([
    { name: 'exec_command', json: '{"cmd":"npm test","yield_time_ms":5}', line: 'exec_command npm test' },
    { name: 'grep', json: '{"pattern":"slug","path":"src"}', line: 'grep slug' },
    {
      name: 'exec_command',
      json: '{"cmd":"echo \\u001b[31mhi\\n\\nthere"}',
      line: 'exec_command echo hi there',
    },
    { name: 'read_file', json: 'not json', line: 'read_file not json' },
    { name: 'list_directory', json: '{}', line: 'list_directory' },
    { name: 'x', json: 'null', line: 'x null' },
  ])('shows $json as "$line"', ({ name, json, line }) => {
    expect(cleanLine(describeCall({ name, arguments: json }))).toBe(line);
  });

  it('names the files of a patch', () => {
    const patch =
      '*** Begin Patch\n*** Update File: src/a.js\n@@\n-x\n+y\n*** Add File: b.js\n+z\n*** End Patch';
    const call = { name: 'apply_patch', arguments: JSON.stringify({ input: patch }) };
    expect(describeCall(call)).toBe('apply_patch src/a.js, b.js');
  });
});

describe('a diff', () => {
  const change = { callId: 'c', workspace: 'default', path: 'a.js', kind: 'update' as const };

  it('shows the file, the counts and the changed lines without the head', () => {
    const diff = '--- a/a.js\n+++ b/a.js\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n';
    expect(renderDiff({ ...change, diff }, PLAIN)).toEqual([
      'changed a.js (+1 −1)',
      '    @@ -1,2 +1,2 @@',
      '     same',
      '    -old',
      '    +new',
    ]);
  });

  it('counts changed lines that look like a head', () => {
    const diff = '--- a/a.md\n+++ b/a.md\n@@ -1,2 +1,2 @@\n---\n+++\n';
    expect(renderDiff({ ...change, diff }, PLAIN)[0]).toBe('changed a.js (+1 −1)');
  });

  it('shows a binary file and a move by their names', () => {
    expect(renderDiff({ ...change, kind: 'move', movedTo: 'b\x1b[2J.js' }, PLAIN)).toEqual([
      'moved a.js → b.js',
    ]);
  });

  it('is cut where it is long, and says so', () => {
    const diff = `@@ -0,0 +1,100 @@\n${'+x\n'.repeat(100)}`;
    const lines = renderDiff({ ...change, kind: 'add', diff }, PLAIN);
    expect(lines[0]).toBe('added a.js (+100 −0)');
    expect(lines.at(-1)).toBe('    … 41 lines more');
  });

  it('is coloured line by line', () => {
    const paint: Paint = (format, text) => `<${format}>${text}`;
    expect(paintDiff('diff --git a b\n@@ @@\n-a\n+b\n c', paint)).toBe(
      '<bold>diff --git a b\n<cyan>@@ @@\n<red>-a\n<green>+b\n c',
    );
  });
});
