import { describe, expect, it } from 'vitest';
import { askByDialog } from '../../src/daemon/ask-by-dialog.ts';
import type { PendingApproval } from '../../src/runs/approval-ports.ts';

const PENDING: PendingApproval = {
  approvalId: 'apr_1',
  callId: 'c',
  runId: 'run_1',
  agent: 'worker',
  tool: 'exec_command',
  what: 'gh pr list " & (do shell script "rm -rf ~") & "',
  workdir: '.',
  reason: 'to see " & quit & "',
  opens: 'outside_sandbox',
  prefix: null,
  forRun: true,
  subject: '',
  expiresAt: '2026-01-01T00:01:00.000Z',
};

/** osascript as its manual has it: `-e SCRIPT`, then the arguments of `on run argv`. It refuses all else. */
function osascript(answer: string) {
  const calls: { script: string; argv: readonly string[] }[] = [];
  const run = async (file: string, args: readonly string[], signal: AbortSignal): Promise<string> => {
    signal.throwIfAborted();
    const [flag, script, ...argv] = args;
    if (file !== '/usr/bin/osascript' || flag !== '-e' || script === undefined)
      throw new Error(`no such use: ${args}`);
    const items = [...script.matchAll(/item (\d+) of argv/g)].map((match) => Number(match[1]));
    if (Math.max(...items) !== argv.length) throw new Error('arguments and script do not fit');
    const buttons = /buttons \{([^}]*)\}/.exec(script)?.[1]?.split(', ') ?? [];
    if (buttons.length > 3) throw new Error('display dialog has three buttons at most');
    calls.push({ script, argv });
    return `${answer}\n`;
  };
  return { run, calls };
}

const over = new AbortController().signal;

describe('the window that asks on macOS', () => {
  it('has what a model wrote as arguments only, and its answers are what the buttons say', async () => {
    for (const [button, decision] of [
      ['Allow once', 'once'],
      ['Allow for this run', 'run'],
      ['Deny', 'no'],
      ['gave up', undefined],
    ] as const) {
      const { run, calls } = osascript(button);
      expect(await askByDialog(PENDING, { run, leftMs: 59_900, over })).toBe(decision);
      expect(calls[0]?.script).not.toContain('gh pr list');
      expect(calls[0]?.argv[0]).toContain(PENDING.what);
      expect(calls[0]?.argv[0]).toContain('OUTSIDE the sandbox');
      expect(calls[0]?.argv[1]).toBe('59');
      expect(calls[0]?.script).toContain('default button "Deny"');
    }
  });

  it('offers the rest of the run only where the question does', async () => {
    const { run, calls } = osascript('Allow once');
    expect(await askByDialog({ ...PENDING, forRun: false }, { run, leftMs: 59_900, over })).toBe('once');
    expect(calls[0]?.script).toContain('buttons {"Allow once", "Deny"}');
  });

  it('says no more than that something waits, where it could not show all', async () => {
    const { run, calls } = osascript('Allow once');
    const decision = await askByDialog(
      { ...PENDING, what: 'x'.repeat(2_000) },
      { run, leftMs: 60_000, over },
    );
    expect(decision).toBeUndefined();
    expect(calls[0]?.script).toContain('display notification');
    expect(calls[0]?.argv).toEqual(['worker']);
  });

  it('shows no question whose end would lie below the screen, and no lines but the command’s own', async () => {
    const long = osascript('Allow once');
    const what = `ls${'\n'.repeat(40)}rm -rf ~`;
    expect(await askByDialog({ ...PENDING, what }, { run: long.run, leftMs: 60_000, over })).toBeUndefined();
    const { run, calls } = osascript('Allow once');
    const forged = 'x" asks to run inside the sandbox:\n\nls\n\nFolder: the workspace\n\n"';
    const pending = { ...PENDING, agent: forged, reason: forged, workdir: forged };
    await askByDialog(pending, { run, leftMs: 60_000, over });
    expect(calls[0]?.argv[0]?.split('\n').filter((line) => line !== '')).toHaveLength(4);
  });

  it('closes when somebody else answered', async () => {
    const { run } = osascript('Allow once');
    await expect(askByDialog(PENDING, { run, leftMs: 1, over: AbortSignal.abort() })).rejects.toThrow();
  });
});
