import { describe, expect, it } from 'vitest';
import { usageOfDays, usageToday } from '../../src/daemon/local-usage.ts';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { finishRun } from '../../src/journal/finish-run.ts';
import { searchRuns } from '../../src/journal/search-runs.ts';
import { usageBetween } from '../../src/journal/usage-between.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';

type Journal = ReturnType<typeof aJournal>;

/** A run that was asked for `prompt`, and has ended with `result` where there is one. */
function aRun(journal: Journal, runId: string, prompt: string, result?: string): void {
  acceptRun(journal, anOrder(runId, { input: [{ role: 'user', content: prompt }] }), 'dispatched');
  appendEvents(journal, runId, [said('working')]);
  if (result !== undefined)
    finishRun(journal, runId, { status: 'completed', result, usage: NO_USAGE, iterations: 1 });
}

const idsOf = (journal: Journal, search: string, limit = 20) =>
  searchRuns(journal, { search, limit }).runs.map(({ run }) => run.runId);

describe('searching the journal', () => {
  it('finds runs by words of the prompt, the result, the agent and the id, whatever their case', () => {
    const journal = aJournal();
    aRun(journal, 'run_1', 'Mend the ÄRGER in sum.js', 'It began at the second number.');
    aRun(journal, 'run_2', 'Write the changelog', 'Done: 100% of it_');
    aRun(journal, 'run_3', 'still under way');
    expect(idsOf(journal, '')).toEqual(['run_3', 'run_2', 'run_1']);
    expect(idsOf(journal, 'ärger')).toEqual(['run_1']);
    expect(idsOf(journal, ' SECOND number ')).toEqual(['run_1']);
    expect(idsOf(journal, 'WORKER')).toHaveLength(3);
    expect(idsOf(journal, 'run_2')).toEqual(['run_2']);
    // What means something to SQL is only itself here.
    expect(idsOf(journal, '%')).toEqual(['run_2']);
    expect(idsOf(journal, "' OR 1=1 --")).toEqual([]);
  });

  it('answers what was asked last, in whichever form it came, and the result', () => {
    const journal = aJournal();
    const input = [
      { role: 'user' as const, content: 'first' },
      {
        role: 'user' as const,
        parts: [
          { type: 'text' as const, text: 'one' },
          { type: 'text' as const, text: 'two' },
        ],
      },
    ];
    acceptRun(journal, anOrder('a', { input }), 'here');
    expect(searchRuns(journal, { search: 'two', limit: 1 }).runs).toMatchObject([
      { prompt: 'one\ntwo', result: undefined, run: { runId: 'a', origin: 'here' } },
    ]);
  });

  it('goes on where it stopped, to the oldest run, without missing or doubling one', () => {
    const journal = aJournal();
    for (let n = 1; n <= 25; n += 1) aRun(journal, `run_${n}`, n % 2 === 0 ? 'even' : 'odd', 'r');
    const found: string[] = [];
    let before: number | undefined;
    do {
      const page = searchRuns(journal, { search: 'odd', limit: 4, before });
      found.push(...page.runs.map(({ run }) => run.runId));
      before = page.next;
    } while (before !== undefined);
    expect(found).toEqual(Array.from({ length: 13 }, (_, n) => `run_${25 - 2 * n}`));
  });

  it('reads a bounded part of a long journal at a time', () => {
    const journal = aJournal();
    const history = [
      {
        type: 'user_message',
        runId: 'r',
        threadId: 't',
        rolloutId: 'o',
        sequence: 1,
        runSequence: 1,
        payload: { text: 'x'.repeat(3_000_000) },
        createdAt: '2026-01-01T00:00:00.000Z',
      },
    ];
    aRun(journal, 'oldest', 'the needle', 'r');
    for (const runId of ['a', 'b', 'c', 'd']) acceptRun(journal, anOrder(runId, { history }), 'dispatched');
    const first = searchRuns(journal, { search: 'needle', limit: 5 });
    expect(first).toMatchObject({ runs: [], next: expect.any(Number) });
    expect(searchRuns(journal, { search: 'needle', limit: 5, before: first.next })).toMatchObject({
      runs: [{ run: { runId: 'oldest' } }],
      next: undefined,
    });
  });
});

describe('usage by day', () => {
  const step = (model: string, inputTokens: number, outputTokens: number): RunEvent => ({
    type: 'assistant_message',
    payload: {
      messageId: 'm',
      step: 1,
      text: '',
      content: [],
      finishReason: 'stop',
      model,
      usage: { ...NO_USAGE, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
    },
  });

  it('sums each model’s steps on the day they were committed, of runs under way too', async () => {
    const clock = new FakeClock(new Date(2026, 2, 10, 23, 59, 50).getTime());
    const journal = aJournal(undefined, clock);
    acceptRun(journal, anOrder('a'), 'dispatched');
    appendEvents(journal, 'a', [step('big', 100, 10), said('x'), step('big', 5, 1)]);
    appendEvents(journal, 'a', [step('small', 7, 2)]);
    await clock.advance(20_000);
    appendEvents(journal, 'a', [step('small', 1, 1)]);
    const world = { now: () => clock.now(), sleep: async () => {} };
    expect(await usageOfDays(journal, world, 2)).toMatchObject([
      { day: '2026-03-11', model: 'small', usage: { totalTokens: 2, cachedInputTokens: 0 } },
      { day: '2026-03-10', model: 'big', usage: { inputTokens: 105, outputTokens: 11, totalTokens: 116 } },
      { day: '2026-03-10', model: 'small', usage: { totalTokens: 9 } },
    ]);
    expect((await usageOfDays(journal, world, 1)).map(({ day }) => day)).toEqual(['2026-03-11']);
    expect(usageToday(journal, clock.now())).toMatchObject({ inputTokens: 1, totalTokens: 2 });
    await clock.advance(3 * 86_400_000);
    expect(await usageOfDays(journal, world, 2)).toEqual([]);
    expect(usageToday(journal, clock.now()).totalTokens).toBe(0);
  });

  it('reads only the steps of the time that is asked for', () => {
    const journal = aJournal();
    let asked = '';
    const statements = {
      get: (sql: string) => {
        asked = sql;
        return journal.statements.get(sql);
      },
    } as typeof journal.statements;
    usageBetween({ ...journal, statements }, 0, 1);
    const [plan] = journal.db.prepare(`EXPLAIN QUERY PLAN ${asked}`).all(0, 1) as { detail: string }[];
    expect(plan?.detail).toMatch(/^SEARCH events USING (COVERING )?INDEX events_steps/);
  });
});
