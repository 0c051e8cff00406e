import { describe, expect, it } from 'vitest';
import { createPaint } from '../../src/cli/render/paint.ts';
import { type RunFrame, RunRenderer } from '../../src/cli/render/run-renderer.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { fakeTerminal } from './harness.ts';

function show(frames: RunFrame[], terminal = fakeTerminal()): string {
  const renderer = new RunRenderer(terminal, createPaint({}, terminal));
  for (const frame of frames) renderer.show(frame);
  return terminal.text;
}

function delta(type: string, messageId: string, offset: number, text: string): RunFrame {
  return { type, runId: 'run_1', messageId, offset, text };
}

function event(type: string, payload: Record<string, unknown>): RunFrame {
  return { type, runId: 'run_1', threadId: 'thr_1', runSequence: 1, sequence: 1, payload };
}

function message(messageId: string, text: string): RunFrame {
  return event('assistant_message', {
    messageId,
    step: 1,
    text,
    content: [],
    finishReason: 'stop',
    model: 'm',
    usage: NO_USAGE,
  });
}

const CALL = event('tool_call', {
  callId: 'c1',
  messageId: 'm1',
  step: 1,
  name: 'exec_command',
  arguments: '{"cmd":"npm test"}',
});

function result(some: Record<string, unknown> = {}): RunFrame {
  return event('tool_result', {
    callId: 'c1',
    name: 'exec_command',
    status: 'completed',
    text: 'ok\n',
    durationMs: 1_200,
    ...some,
  });
}

function completed(some: Record<string, unknown> = {}): RunFrame {
  const usage = { ...NO_USAGE, inputTokens: 100, outputTokens: 10 };
  return event('run_completed', { status: 'completed', result: 'Done.', usage, iterations: 2, ...some });
}

describe('a run in a terminal', () => {
  it('says so where a message is taken back, and shows what is said instead', () => {
    const text = show([
      delta('assistant_message_delta', 'm1', 0, 'I will look'),
      delta('assistant_message_delta', 'm1', 0, ''),
      delta('assistant_message_delta', 'm1', 0, ''),
      delta('assistant_message_delta', 'm2', 0, 'I will look at it.'),
      message('m2', 'I will look at it.'),
    ]);
    expect(text).toBe('I will look\n(taken back)\nI will look at it.\n');
  });

  it('shows a whole run: words as they stream, the tool with its time, the end with its figures', () => {
    const text = show([
      event('run_started', {
        agent: 'fixer',
        model: 'openai/x',
        executionMode: 'local-mac',
        targetDeviceId: 'dev_1',
        workspace: 'default',
        attempt: 1,
      }),
      event('user_message', { messageId: 'u1', text: 'fix it' }),
      delta('assistant_message_delta', 'm1', 0, 'I will '),
      delta('assistant_message_delta', 'm1', 7, 'test.'),
      message('m1', 'I will test.'),
      CALL,
      delta('tool_output_delta', 'c1', 0, 'ok\n'),
      result(),
      message('m2', 'Done.'),
      completed(),
    ]);
    expect(text).toBe(
      [
        'fixer (openai/x) in default',
        'I will test.',
        '✓ exec_command npm test  1.2 s',
        '    ok',
        'Done.',
        'completed · 2 steps, 100 tokens in, 10 out',
        '',
      ].join('\n'),
    );
  });

  it('shows thinking apart from words, and dimmed', () => {
    const terminal = fakeTerminal({ isTTY: true });
    show(
      [delta('assistant_thinking_delta', 'm1', 0, 'hm'), delta('assistant_message_delta', 'm1', 0, 'yes ')],
      terminal,
    );
    expect(terminal.text).toBe('\x1b[2mhm\x1b[22m\nyes');
  });

  it('breaks lines between words on a terminal, however the words are cut, and leaves a pipe its lines', () => {
    const text = 'replace() with a string changes the first match only.';
    const frames = [
      ...[...text].map((letter, at) => delta('assistant_message_delta', 'm1', at, letter)),
      message('m1', text),
      completed({ result: text }),
    ];
    const words = show(frames, fakeTerminal({ isTTY: true, columns: 24 })).split('\n');
    expect(words.slice(0, 3)).toEqual(['replace() with a string', 'changes the first match', 'only.']);
    expect(show(frames)).toMatch(`${text}\ncompleted`);
  });

  it('shows the word it held back when a run is ended in the middle of it', () => {
    const terminal = fakeTerminal({ isTTY: true });
    show(
      [delta('assistant_message_delta', 'm1', 0, 'one tw'), completed({ status: 'cancelled', result: null })],
      terminal,
    );
    expect(terminal.text).toContain('one tw\n');
  });

  it('shows a call while it works on a terminal, and then how it went', () => {
    const terminal = fakeTerminal({ isTTY: true, columns: 40 });
    show([CALL, result({ text: '' })], terminal);
    expect(terminal.text).toContain('… exec_command npm test\x1b[22m\r\x1b[K');
  });

  it.each(['failed', 'denied', 'cancelled', 'unknown'])('says that a call ended %s, and why', (status) => {
    const text = show([CALL, result({ name: 'read_file', status, text: 'no such file' })]);
    expect(text).toContain(`${status}, 1.2 s\n    no such file\n`);
    expect(text).not.toContain('✓');
  });

  it.each([
    ['Process exited with code 0', '✓ exec_command npm test  1.2 s\n    out\n'],
    ['Process exited with code 3', '✗ exec_command npm test  exit 3, 1.2 s\n    out\n'],
    ['Process exited with code 137 (ended by SIGKILL)', '✗ exec_command npm test  SIGKILL, 1.2 s\n    out\n'],
    ['Process running with session ID 7', '✓ exec_command npm test  still running, 1.2 s\n    out\n'],
  ])('says of a command with the answer "%s" how it stands, and shows what it wrote', (fact, shown) => {
    const facts = `Chunk ID: ab\nWall time: 1.2000 seconds\n${fact}\nOriginal token count: 1\n`;
    expect(show([CALL, result({ text: `${facts}Output:\nout\n` })])).toBe(shown);
    const quiet = show([CALL, result({ text: `${facts}Output:\n` })]);
    expect(quiet.split('\n')).toHaveLength(2);
  });

  it('shows the end of a long output, and how much came before', () => {
    const output = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join('\n');
    const text = show([CALL, result({ text: output })]);
    expect(text).toContain('    … 12 lines before\n    line 13\n');
    expect(text).not.toContain('line 12');
  });

  it('keeps what a model or a tool says from steering the terminal', () => {
    const evil = '\x1b]52;c;ZXZpbA==\x07\x1b[2Jx\u202e';
    const text = show([
      delta('assistant_message_delta', 'm1', 0, evil),
      event('tool_call', { callId: 'c1', messageId: 'm1', step: 1, name: evil, arguments: evil }),
      result({ name: evil, status: 'failed', text: evil }),
      event('file_change', {
        callId: 'c1',
        workspace: 'w',
        path: evil,
        kind: 'update',
        diff: `@@\n+${evil}`,
      }),
      event('error', { code: 'x', message: evil }),
      completed({ status: 'failed', result: evil, error: { code: 'x', message: evil } }),
    ]);
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it('shows a result that was not the last message, and why a run failed', () => {
    const text = show([
      message('m1', 'Trying.'),
      completed({
        status: 'failed',
        result: null,
        error: { code: 'model_error', message: 'The model is away.' },
      }),
    ]);
    expect(text).toBe('Trying.\nThe model is away.\nfailed · 2 steps, 100 tokens in, 10 out\n');
    expect(show([completed({ result: 'Other.' })])).toContain('Other.\ncompleted');
  });

  it('passes over what it does not know, and what is not as it should be', () => {
    expect(
      show([
        event('compaction_started', {}),
        event('from_the_future', {}),
        event('tool_result', { callId: 1 }),
      ]),
    ).toBe('');
  });
});
