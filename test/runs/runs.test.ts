import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createRedactor } from '../../src/guard/redact.ts';
import { countDeath, markRunning, wasRunning } from '../../src/journal/count-death.ts';
import { readRunEvents } from '../../src/journal/read-events.ts';
import { readRun } from '../../src/journal/read-run.ts';
import { recordProcessStarted } from '../../src/journal/record-process.ts';
import { RunmeshError } from '../../src/kit/errors.ts';
import { PauseReasons } from '../../src/kit/pause.ts';
import { systemRandom } from '../../src/kit/random.ts';
import type { RunLimits } from '../../src/protocol/run-limits.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import type { ApprovalPorts } from '../../src/runs/approval-ports.ts';
import type { PauseReason, RunHost, Runs } from '../../src/runs/ports.ts';
import { createRuns } from '../../src/runs/runs.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal, anOrder } from '../support/journals.ts';
import { openPolicy } from '../support/policies.ts';

type Journal = ReturnType<typeof aJournal>;

/** A device that asks nothing. */
const NO_APPROVALS = {
  judge: () => ({ verdict: 'run' as const, outside: false }),
  subjectOf: () => '',
  timeoutMs: 1_000,
  mostAsked: 1,
  allowAlways: () => {},
  onAsked: () => {},
};

const QUESTION = {
  tool: 'work',
  what: 'work',
  workdir: '.',
  reason: null,
  opens: 'nothing' as const,
  prefix: null,
  forRun: true,
  words: undefined,
  shell: null,
  names: '',
};

/** A device with a model that calls `work` once and then answers; `work` waits until the test lets it go. */
function device(
  journal: Journal,
  clock = new FakeClock(),
  limits: RunLimits = {},
  approvals: ApprovalPorts = NO_APPROVALS,
) {
  const log: string[] = [];
  const waiting = new Map<string, () => void>();
  /** What happens while a run's commands are ended, and before its model answers. */
  const meanwhile: {
    endCommands: () => void;
    step: (step: { signal: AbortSignal; onText: (offset: number, text: string) => void }) => unknown;
  } = { endCommands: () => {}, step: () => {} };
  const deltas: { runId: string; messageId: string; offset: number; text: string }[] = [];
  const work = {
    name: 'work',
    description: 'works',
    input: z.object({}),
    repeatable: false,
    execute: (_input: unknown, { runId, signal }: { runId: string; signal: AbortSignal }) => {
      log.push(`${runId} works`);
      return new Promise<{ text: string }>((resolve, reject) => {
        waiting.set(runId, () => resolve({ text: 'worked' }));
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  };
  const host: RunHost = {
    platform: 'linux',
    models: {
      step: async ({ prompt, signal }, { onText }) => {
        await meanwhile.step({ signal, onText });
        const done = prompt.some((message) => message.role === 'tool');
        return {
          content: [],
          text: done ? 'done' : '',
          toolCalls: done ? [] : [{ callId: 'c1', name: 'work', arguments: '{}' }],
          finishReason: 'stop',
          usage: { ...NO_USAGE, totalTokens: 5 },
        };
      },
    },
    prepare: ({ agent, metadata }) => {
      if (agent.tools?.includes('fly')) throw new RunmeshError('tool_unknown', 'no tool fly');
      if (metadata.workspace === 'nowhere')
        throw new RunmeshError('workspace_unknown', 'no workspace nowhere');
      return { tools: [work], workspace: { name: 'default', root: '/w', policy: openPolicy('/w') } };
    },
    agentEnvironment: () => ({}),
    limits: () => limits,
    price: () => undefined,
    measure: () => ({ processes: 0, outputBytes: 0, diskBytes: 0 }),
    leftSandbox: () => false,
    removeFiles: async () => {},
    endCommands: async (runId) => {
      meanwhile.endCommands();
      log.push(`${runId} commands ended`);
    },
    reap: async (processes) => void log.push(`reaped ${processes.map(({ pid }) => pid)}`),
  };
  const runs: Runs = createRuns({
    journal,
    clock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
    host,
    redactor: createRedactor([]),
    audit: () => {},
    approvals,
    pause: new PauseReasons<PauseReason>(),
    say: () => {},
    maxConcurrentRuns: 2,
    maxAttempts: 3,
    onCommitted: () => {},
    onSettling: () => {},
    onDelta: (runId, { messageId, offset, text }) => deltas.push({ runId, messageId, offset, text }),
  });
  const finishWork = async (runId: string) => {
    await expect.poll(() => waiting.has(runId)).toBe(true);
    waiting.get(runId)?.();
    waiting.delete(runId);
  };
  const ended = (runId: string) => expect.poll(() => readRun(journal, runId)?.status);
  return { runs, log, clock, waiting, finishWork, ended, meanwhile, deltas };
}

const types = (journal: Journal, runId: string) => readRunEvents(journal, runId).map((event) => event.type);

describe('a device’s runs', () => {
  it('are executed once however often they are dispatched, and end once with their usage', async () => {
    const journal = aJournal();
    const { runs, log, finishWork, ended } = device(journal);
    await runs.start();
    for (let n = 0; n < 3; n += 1)
      expect(runs.accept(anOrder('a'), 'dispatched')).toEqual({ accepted: true });
    await finishWork('a');
    await ended('a').toBe('completed');
    expect(log.filter((line) => line === 'a works')).toHaveLength(1);
    expect(readRunEvents(journal, 'a').at(-1)).toMatchObject({
      payload: { usage: { totalTokens: 10 }, iterations: 2, result: 'done' },
    });
    expect(runs.accept(anOrder('a'), 'dispatched')).toEqual({ accepted: true });
    expect(types(journal, 'a').filter((type) => type === 'run_completed')).toHaveLength(1);
  });

  it('take turns: two at a time, and a thread’s one after the other', async () => {
    const journal = aJournal();
    const { runs, waiting, finishWork, ended } = device(journal);
    await runs.start();
    const thread = { threadId: 'thr' };
    for (const [runId, over] of [
      ['a1', thread],
      ['a2', thread],
      ['b', {}],
      ['c', {}],
    ] as const) {
      runs.accept(anOrder(runId, over), 'dispatched');
    }
    await expect.poll(() => [...waiting.keys()].sort()).toEqual(['a1', 'b']);
    await finishWork('a1');
    await ended('a1').toBe('completed');
    await expect.poll(() => [...waiting.keys()].sort()).toEqual(['a2', 'b']);
  });

  it('are refused in the wire’s words, with nothing committed', async () => {
    const journal = aJournal();
    const { runs } = device(journal);
    await runs.start();
    const agent = { ...anOrder('x').agent, tools: ['fly'] };
    expect(runs.accept(anOrder('x', { agent }), 'dispatched')).toMatchObject({
      accepted: false,
      code: 'unsupported',
    });
    const metadata = { workspace: 'nowhere' };
    expect(runs.accept(anOrder('y', { metadata }), 'dispatched')).toMatchObject({
      accepted: false,
      code: 'invalid',
    });
    expect([readRun(journal, 'x'), readRun(journal, 'y')]).toEqual([undefined, undefined]);
    expect(runs.cancel('x', 'why')).toMatchObject({ status: 'refused', code: 'unknown_run' });
    expect(runs.steer('x', 's', 'hm')).toMatchObject({ status: 'refused', code: 'unknown_run' });
  });

  it('are cancelled whether they wait or work, and their commands end first', async () => {
    const journal = aJournal();
    const { runs, log, waiting, ended } = device(journal);
    await runs.start();
    const thread = { threadId: 'thr' };
    runs.accept(anOrder('a1', thread), 'dispatched');
    runs.accept(anOrder('a2', thread), 'dispatched');
    await expect.poll(() => waiting.has('a1')).toBe(true);
    expect(runs.cancel('a2', 'why')).toEqual({ status: 'done' });
    expect(readRun(journal, 'a2')?.status).toBe('cancelled');
    runs.cancel('a1', 'why');
    await ended('a1').toBe('cancelled');
    expect(log).toEqual(['a1 works', 'a1 commands ended']);
    expect(runs.cancel('a1', 'again')).toMatchObject({ status: 'refused', code: 'run_ended' });
  });

  it('fail at their deadline', async () => {
    const journal = aJournal();
    const { runs, clock, waiting, ended } = device(
      journal,
      new FakeClock(Date.parse('2029-12-31T23:59:59Z')),
    );
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => waiting.has('a')).toBe(true);
    await clock.advance(1_000);
    await ended('a').toBe('failed');
    expect(readRunEvents(journal, 'a').at(-1)).toMatchObject({
      payload: { error: { code: 'deadline_exceeded' } },
    });
  });

  it('are put down by a drain and go on in the next process, which says nothing of it', async () => {
    const journal = aJournal();
    const first = device(journal);
    await first.runs.start();
    first.runs.accept(anOrder('a'), 'dispatched');
    const draining = first.finishWork('a').then(() => first.runs.drain(60_000));
    await draining;
    expect(readRun(journal, 'a')?.status).toBeUndefined();
    expect(first.runs.accept(anOrder('b'), 'dispatched')).toMatchObject({ code: 'paused' });
    const second = device(journal);
    await second.runs.start();
    await second.ended('a').toBe('completed');
    expect(second.log).toEqual(['a commands ended']);
    expect(types(journal, 'a')).not.toContain('error');
  });

  it('go on after a death: what lives is ended first, and the call of unknown outcome is not run again', async () => {
    const journal = aJournal();
    const first = device(journal);
    await first.runs.start();
    first.runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => first.waiting.has('a')).toBe(true);
    recordProcessStarted(journal, {
      runId: 'a',
      sessionId: 1,
      callId: 'c1',
      pid: 4711,
      startTime: '1',
      sid: 4711,
    });
    // The process dies here: nothing is put down in good order.
    const second = device(journal);
    await second.runs.start();
    await second.ended('a').toBe('completed');
    expect(second.log).toEqual(['reaped 4711', 'a commands ended']);
    const events = readRunEvents(journal, 'a');
    expect(events.filter((event) => event.type === 'error')).toMatchObject([
      { payload: { code: 'daemon_restarted' } },
    ]);
    expect(events.find((event) => event.type === 'tool_result')).toMatchObject({
      payload: { status: 'unknown' },
    });
  });

  it('are given up when the process died three times at the same step', async () => {
    const journal = aJournal();
    const first = device(journal);
    await first.runs.start();
    first.runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => first.waiting.has('a')).toBe(true);
    // One model step is committed; two deaths at it are on record, and this is the third.
    for (let n = 0; n < 2; n += 1) countDeath(journal, 'a', 1);
    markRunning(journal, 'a', true);
    const next = device(journal);
    await next.runs.start();
    expect(readRun(journal, 'a')?.status).toBe('failed');
    expect(readRunEvents(journal, 'a').at(-1)).toMatchObject({
      payload: { error: { code: 'poisoned_step' }, usage: { totalTokens: 5 } },
    });
  });

  it('work alone when one more death would end them, so that none is given up for another’s fault', async () => {
    const journal = aJournal();
    const first = device(journal);
    await first.runs.start();
    for (const runId of ['a', 'b']) {
      first.runs.accept(anOrder(runId), 'dispatched');
      await expect.poll(() => first.waiting.has(runId)).toBe(true);
      // Its step is committed; the process died once at it, and dies now for the second time.
      countDeath(journal, runId, 1);
      markRunning(journal, runId, true);
    }
    const second = device(journal);
    await second.runs.start();
    second.runs.accept(anOrder('c'), 'dispatched');
    // The outcome of the call that was cut is unknown: `a` got further, and the next one has its turn.
    await second.ended('a').toBe('completed');
    await second.ended('b').toBe('completed');
    await second.finishWork('c');
    await second.ended('c').toBe('completed');
    expect(second.log.filter((line) => line.endsWith('commands ended'))).toEqual([
      'a commands ended',
      'b commands ended',
      'c commands ended',
    ]);
  });

  it('are not counted dead where they were not at work when the process died', async () => {
    const journal = aJournal();
    const first = device(journal);
    await first.runs.start();
    first.runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => first.waiting.has('a')).toBe(true);
    for (let n = 0; n < 2; n += 1) countDeath(journal, 'a', 1);
    const second = device(journal);
    await second.runs.start();
    await second.ended('a').toBe('completed');
    expect(types(journal, 'a')).not.toContain('error');
  });

  it('that wait for their owner are not at work: no death counts meanwhile, and others work beside them', async () => {
    const journal = aJournal();
    let asks = 0;
    const asking: ApprovalPorts = {
      ...NO_APPROVALS,
      timeoutMs: 60_000,
      judge: () => {
        asks += 1;
        return asks === 1 ? { verdict: 'ask', ask: QUESTION } : { verdict: 'run', outside: false };
      },
    };
    const begin = async () => {
      asks = 0;
      const begun = device(journal, new FakeClock(), {}, asking);
      await begun.runs.start();
      return begun;
    };
    (await begin()).runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => types(journal, 'a')).toContain('approval_requested');
    for (let deaths = 0; deaths < 3; deaths += 1) {
      await begin();
      await expect.poll(() => asks).toBe(1);
    }
    // Two deaths at this step are its own, so it is tried alone; it waits again, and `b` has its turn.
    for (let n = 0; n < 2; n += 1) countDeath(journal, 'a', 1);
    const last = await begin();
    last.runs.accept(anOrder('b'), 'dispatched');
    await last.finishWork('b');
    await last.ended('b').toBe('completed');
    expect(readRun(journal, 'a')?.status).toBeUndefined();
    expect(types(journal, 'a')).not.toContain('error');
    const [question] = last.runs.listApprovals();
    last.runs.answerApproval(question?.approvalId ?? '', { decision: 'once' }, 'cli');
    await last.finishWork('a');
    await last.ended('a').toBe('completed');
  });

  it('keep their deadline when the wall clock is set', async () => {
    const journal = aJournal();
    const begun = Date.parse('2029-12-31T23:59:50Z');
    const { runs, clock, waiting, ended } = device(journal, new FakeClock(begun));
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => waiting.has('a')).toBe(true);
    clock.setWall(begun + 86_400_000);
    await clock.advance(9_000);
    expect(readRun(journal, 'a')?.status).toBeUndefined();
    clock.setWall(begun - 86_400_000);
    await clock.advance(1_000);
    await ended('a').toBe('failed');
  });

  it('say where they stand without a look at the journal, and how far they are without reading their events', async () => {
    const journal = aJournal();
    const { runs, waiting, finishWork, ended } = device(journal);
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => waiting.has('a')).toBe(true);
    const asked = vi.spyOn(journal.statements, 'get');
    expect(runs.states()).toEqual(new Map([['a', 'running']]));
    expect(asked.mock.calls).toEqual([]);
    expect(runs.list()).toMatchObject([{ runId: 'a', state: 'running', step: 1 }]);
    expect(asked.mock.calls.flat()).toEqual([expect.stringMatching(/^SELECT count\(\*\)/)]);
    await finishWork('a');
    await ended('a').toBe('completed');
  });

  it('hear what is said to them before they end', async () => {
    const journal = aJournal();
    const { runs, finishWork, waiting, ended } = device(journal);
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => waiting.has('a')).toBe(true);
    expect(runs.steer('a', 's1', 'and quickly')).toEqual({ status: 'done' });
    await finishWork('a');
    await ended('a').toBe('completed');
    expect(types(journal, 'a')).toContain('run_steered');
  });

  it('hear what is said to them while their commands are ended, and go on', async () => {
    const journal = aJournal();
    const { runs, log, finishWork, ended, meanwhile } = device(journal);
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    const answers: unknown[] = [];
    meanwhile.endCommands = () => {
      if (answers.length === 0) answers.push(runs.steer('a', 's1', 'and quickly'));
    };
    await finishWork('a');
    await ended('a').toBe('completed');
    expect(answers).toEqual([{ status: 'done' }]);
    expect(types(journal, 'a').slice(-4)).toEqual([
      'assistant_message',
      'run_steered',
      'assistant_message',
      'run_completed',
    ]);
    expect(log).toEqual(['a works', 'a commands ended', 'a commands ended']);
  });

  it('that the disk has no space for are not at work, and no death counts meanwhile', async () => {
    const journal = aJournal();
    const { runs, meanwhile, log } = device(journal);
    await runs.start();
    meanwhile.step = () => {
      throw new RunmeshError('disk_full', 'The disk is full.');
    };
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => log).toContain('a commands ended');
    await expect.poll(() => wasRunning(journal, 'a')).toBe(false);
    await runs.drain(0);
    expect(wasRunning(journal, 'a')).toBe(false);
  });

  it('take back what they were saying where they are put down: its step is said anew, by another name', async () => {
    const journal = aJournal();
    const { runs, meanwhile, deltas, finishWork, ended } = device(journal);
    await runs.start();
    meanwhile.step = ({ signal, onText }) => {
      onText(0, 'I will ');
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    runs.accept(anOrder('a'), 'dispatched');
    await expect.poll(() => runs.liveTexts('a')).toMatchObject([{ text: 'I will ' }]);
    meanwhile.step = () => {};
    runs.putDown();
    await finishWork('a');
    await ended('a').toBe('completed');
    const messageId = deltas[0]?.messageId;
    expect(deltas).toEqual([
      { runId: 'a', messageId, offset: 0, text: 'I will ' },
      { runId: 'a', messageId, offset: 0, text: '' },
    ]);
    expect(runs.liveTexts('a')).toEqual([]);
  });

  it('that are dispatched in a later attempt speak as that one from then on', async () => {
    const journal = aJournal();
    const { runs } = device(journal);
    await runs.start();
    runs.accept(anOrder('a'), 'dispatched');
    expect(runs.accept(anOrder('a', { attempt: 3 }), 'dispatched')).toEqual({ accepted: true });
    expect(readRun(journal, 'a')?.attempt).toBe(3);
    expect(runs.accept(anOrder('a', { attempt: 2 }), 'dispatched')).toMatchObject({ code: 'invalid' });
  });
});
