import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { countDeath } from '../../src/journal/count-death.ts';
import { finishRun } from '../../src/journal/finish-run.ts';
import { forgetRun } from '../../src/journal/forget-run.ts';
import { listCursors, recordAck } from '../../src/journal/list-cursors.ts';
import { prune } from '../../src/journal/prune.ts';
import { readEventsAfter, readRunEvents } from '../../src/journal/read-events.ts';
import { listUnfinished, readRun } from '../../src/journal/read-run.ts';
import { hasIntent, recordIntent } from '../../src/journal/record-intent.ts';
import { recordOutcome } from '../../src/journal/record-outcome.ts';
import { listProcesses, recordProcessEnded, recordProcessStarted } from '../../src/journal/record-process.ts';
import { requestCancel } from '../../src/journal/request-cancel.ts';
import { addSteer, hasSteers, takeSteers } from '../../src/journal/steer-run.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';
import { tempDir } from '../support/temp.ts';

const END = { status: 'completed', result: 'r', usage: NO_USAGE, iterations: 0 } as const;

describe('the journal', () => {
  it('takes a run once, however often it is dispatched', () => {
    const journal = aJournal();
    expect(acceptRun(journal, anOrder('a'), 'dispatched')).toBe('accepted');
    appendEvents(journal, 'a', [said('one')]);
    expect(acceptRun(journal, anOrder('a'), 'dispatched')).toBe('known');
    expect(readRun(journal, 'a')).toMatchObject({ committed: 1, status: undefined });
  });

  it('numbers events from 1, and has them after it was closed', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    expect(appendEvents(journal, 'a', [said('one'), said('two')])).toBe(2);
    journal.close();
    const again = aJournal(journal.path);
    expect(again.epoch).toBe(journal.epoch);
    expect(appendEvents(again, 'a', [said('three')])).toBe(3);
    expect(readEventsAfter(again, 'a', 1, 10_000).map((event) => event.runSequence)).toEqual([2, 3]);
  });

  it('gives a payload back as it was: NUL, half a surrogate pair, anything', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    const odd = said('a\u0000b \ud83c c \u2028 🌱');
    appendEvents(journal, 'a', [odd]);
    expect(readRunEvents(journal, 'a')).toEqual([odd]);
  });

  it('hands out as many bytes as asked for, but always one event', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    appendEvents(journal, 'a', [said('x'.repeat(5_000)), said('y'), said('z')]);
    expect(readEventsAfter(journal, 'a', 0, 10)).toHaveLength(1);
    expect(readEventsAfter(journal, 'a', 1, 100_000)).toHaveLength(2);
    expect(readEventsAfter(journal, 'a', 3, 100_000)).toEqual([]);
  });

  it('keeps an intent until its outcome, and both in one commit with the events', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    recordIntent(journal, 'a', { callId: 'c', name: 'exec_command', repeatable: false, held: true });
    expect(hasIntent(journal, 'a', 'c')).toBe(true);
    recordOutcome(journal, 'a', 'c', [said('done')]);
    expect(hasIntent(journal, 'a', 'c')).toBe(false);
    expect(readRunEvents(journal, 'a')).toHaveLength(1);
  });

  it('waits for the disk with an intent only where its call may act before the next commit', () => {
    const journal = aJournal();
    const waits: boolean[] = [];
    const db = Object.create(journal.db, {
      transaction: {
        value: (work: () => unknown, how?: 'synced' | 'unsynced') => {
          waits.push(how !== 'unsynced');
          return journal.db.transaction(work, how);
        },
      },
    }) as typeof journal.db;
    acceptRun(journal, anOrder('a'), 'dispatched');
    const intend = (callId: string, repeatable: boolean, held: boolean) =>
      recordIntent({ ...journal, db }, 'a', { callId, name: 'x', repeatable, held });
    intend('writes', false, false);
    intend('reads', true, false);
    intend('stands at its gate', false, true);
    expect(waits).toEqual([true, false, false]);
    expect(hasIntent(journal, 'a', 'stands at its gate')).toBe(true);
  });

  it('ends a run once', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    expect(finishRun(journal, 'a', END)).toBe(true);
    expect(finishRun(journal, 'a', { ...END, status: 'failed' })).toBe(false);
    expect(readRunEvents(journal, 'a')).toHaveLength(1);
    expect(readRun(journal, 'a')?.status).toBe('completed');
    expect(requestCancel(journal, 'a', 'late')).toBe(false);
  });

  it('forgets what the mesh has ended, without a word to it', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    appendEvents(journal, 'a', [said('one')]);
    forgetRun(journal, 'a');
    expect(listCursors(journal)).toEqual([]);
    expect(listUnfinished(journal)).toEqual([]);
    expect(readRunEvents(journal, 'a')).toHaveLength(1);
  });

  it('takes acknowledgements forward only, and never beyond what it has', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    appendEvents(journal, 'a', [said('one'), said('two'), said('three')]);
    for (const acked of [2, 1, 99]) recordAck(journal, 'a', acked);
    expect(readRun(journal, 'a')?.acked).toBe(3);
  });

  it('hands steering words over once, in their order, however often they were sent', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    for (const [id, text] of [
      ['s1', 'first'],
      ['s2', 'second'],
      ['s1', 'first'],
    ] as const)
      addSteer(journal, 'a', id, text);
    expect(takeSteers(journal, 'a').map((event) => event.payload)).toMatchObject([
      { text: 'first' },
      { text: 'second' },
    ]);
    expect(takeSteers(journal, 'a')).toEqual([]);
    expect(readRunEvents(journal, 'a')).toHaveLength(2);
    addSteer(journal, 'a', 's2', 'second');
    expect(hasSteers(journal, 'a')).toBe(false);
    addSteer(journal, 'a', 's3', 'third');
    expect(takeSteers(journal, 'a')).toMatchObject([{ payload: { messageId: 's3', text: 'third' } }]);
  });

  it('knows the processes it must look for, until they are gone', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    const process = { runId: 'a', sessionId: 7, callId: 'c', pid: 12, startTime: '99', sid: 12 };
    recordProcessStarted(journal, process);
    expect(listProcesses(journal)).toEqual([process]);
    recordProcessEnded(journal, 'a', 7);
    appendEvents(journal, 'a', [said('next commit')]);
    expect(listProcesses(journal)).toEqual([]);
  });

  it('counts deaths at one step, and begins anew when the run got further', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    expect([3, 3, 3, 4, 4].map((step) => countDeath(journal, 'a', step))).toEqual([1, 2, 3, 1, 2]);
  });

  it('lets go only of runs that ended long ago and that the mesh has whole', async () => {
    const journal = aJournal();
    for (const runId of ['old', 'unsent', 'running']) acceptRun(journal, anOrder(runId), 'dispatched');
    for (const runId of ['old', 'unsent']) finishRun(journal, runId, END);
    recordAck(journal, 'old', 1);
    expect(await prune(journal, journal.clock.now() + 1)).toBe(1);
    expect(['old', 'unsent', 'running'].map((runId) => readRun(journal, runId) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    expect(readRunEvents(journal, 'old')).toEqual([]);
    const orders = journal.db.prepare('SELECT run_id FROM dispatches ORDER BY run_id').all();
    expect(orders).toEqual([{ run_id: 'running' }, { run_id: 'unsent' }]);
  });

  it('lets others commit between the batches of a long clearing, and leaves the rest where it is told to stop', async () => {
    const journal = aJournal();
    for (const runId of ['a', 'b', 'c', 'd']) {
      acceptRun(journal, anOrder(runId), 'dispatched');
      finishRun(journal, runId, END);
      recordAck(journal, runId, 1);
    }
    const stop = new AbortController();
    const clearing = prune(journal, journal.clock.now() + 1, stop.signal, 1);
    acceptRun(journal, anOrder('new'), 'dispatched');
    stop.abort();
    expect(await clearing).toBe(1);
    expect(await prune(journal, journal.clock.now() + 1)).toBe(3);
    expect(readRun(journal, 'new')).toBeDefined();
  });

  it('finds what it lets go of by when that ended', () => {
    const journal = aJournal();
    const asked = vi.spyOn(journal.statements, 'get');
    void prune(journal, 0);
    const plan = journal.db.prepare(`EXPLAIN QUERY PLAN ${asked.mock.calls[0]?.[0]}`).all(0, 1);
    expect(plan.map((step) => (step as { detail: string }).detail)).toContain(
      'SEARCH runs USING INDEX runs_ended (ended_at<?)',
    );
  });

  it('sets a damaged file aside, says where, and begins a new epoch', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    for (let n = 0; n < 200; n += 1) appendEvents(journal, 'a', [said('x'.repeat(500))]);
    journal.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    journal.close();
    const bytes = readFileSync(journal.path);
    bytes.fill(0xab, 4_096, bytes.length - 4_096);
    writeFileSync(journal.path, bytes);
    const anew = aJournal(journal.path);
    expect(anew.epoch).not.toBe(journal.epoch);
    expect(existsSync(anew.setAside ?? '')).toBe(true);
    expect(listUnfinished(anew)).toEqual([]);
  });

  it('has every commit that a killed process had told of', async () => {
    const path = join(tempDir(), 'journal.db');
    const build = new URL('../../build/', import.meta.url).href;
    const program = `
      const { openJournal } = await import('${build}journal/journal.js');
      const { acceptRun } = await import('${build}journal/accept-run.js');
      const { appendEvents } = await import('${build}journal/append-events.js');
      const { systemClock } = await import('${build}kit/clock.js');
      const { systemRandom } = await import('${build}kit/random.js');
      const journal = openJournal({ path: ${JSON.stringify(path)}, clock: systemClock, random: systemRandom, log: {} });
      acceptRun(journal, ${JSON.stringify(anOrder('a'))}, 'dispatched');
      const { writeSync } = await import('node:fs');
      for (;;) writeSync(1, appendEvents(journal, 'a', [{ type: 'error', payload: { code: 'x', message: 'y' } }]) + '\\n');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.length > 2_000) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const last = Number(told.trimEnd().split('\n').at(-1));
    const journal = aJournal(path);
    expect(last).toBeGreaterThan(100);
    expect(readRun(journal, 'a')?.committed).toBeGreaterThanOrEqual(last);
    expect(readRunEvents(journal, 'a').length).toBe(readRun(journal, 'a')?.committed);
  });
});
