import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { devicePaths } from '../../src/device/paths.ts';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { finishRun } from '../../src/journal/finish-run.ts';
import { listCursors } from '../../src/journal/list-cursors.ts';
import { MIGRATIONS } from '../../src/journal/migrations.ts';
import { prune } from '../../src/journal/prune.ts';
import { listRuns, listUnfinished, readRun } from '../../src/journal/read-run.ts';
import { searchRuns } from '../../src/journal/search-runs.ts';
import { listBackups, openDatabase } from '../../src/kit/sqlite.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { markBackups, putBackJournal } from '../../src/service/versions/put-back-journal.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';
import { tempDir } from '../support/temp.ts';

const END = { status: 'completed', result: 'r', usage: NO_USAGE, iterations: 0 } as const;

/** A run's row as the first schemas had it, its order in it: `committed`, `acked`, `status`, `running`. */
const STATES: Record<string, [number, number, string | null, number]> = {
  queued: [0, 0, null, 0],
  running: [2, 1, null, 1],
  unsent: [1, 0, 'failed', 0],
  over: [1, 1, 'completed', 0],
};

function anOldJournal(path = join(tempDir(), 'journal.db')): string {
  const db = openDatabase({ path, migrations: MIGRATIONS.slice(0, 3) });
  const insert = db.prepare(
    `INSERT INTO runs (run_id, thread_id, rollout_id, attempt, origin, dispatch, accepted_at, deadline_at, turn, committed,
       acked, status, ended_at, running) VALUES (?, ?, 'rol', 1, 'dispatched', ?, 1, 2, ?, ?, ?, ?, ?, ?)`,
  );
  for (const [index, [runId, [committed, acked, status, running]]] of Object.entries(STATES).entries()) {
    const order = JSON.stringify(orderOf(runId));
    const endedAt = status === null ? null : 3;
    insert.run(runId, `thr_${runId}`, order, index + 1, committed, acked, status, endedAt, running);
    for (let sequence = 1; sequence <= committed; sequence += 1) {
      db.prepare("INSERT INTO events VALUES (?, ?, 'error', '{}', 1)").run(runId, sequence);
    }
  }
  db.close();
  return path;
}

/** Too large for a page of the database. */
const orderOf = (runId: string) =>
  anOrder(runId, { input: [{ role: 'user', content: `${runId} ${'x'.repeat(50_000)}` }] });

describe('a journal whose orders lie in the rows of their runs', () => {
  it('is copied, and has every run with its order and where it stood', () => {
    const path = anOldJournal();
    const journal = aJournal(path);
    expect(listBackups(path)).toHaveLength(1);
    for (const [runId, [committed, acked, status]] of Object.entries(STATES)) {
      const run = { order: orderOf(runId), committed, acked, status: status ?? undefined };
      expect(readRun(journal, runId)).toMatchObject(run);
    }
    expect(listUnfinished(journal).map(({ runId }) => runId)).toEqual(['queued', 'running']);
    expect(
      listCursors(journal)
        .map(({ runId }) => runId)
        .sort(),
    ).toEqual(['queued', 'running', 'unsent']);
    expect(searchRuns(journal, { search: 'over', limit: 9 }).runs.map(({ run }) => run.runId)).toEqual([
      'over',
    ]);
  });

  it('goes on with its runs and takes new ones, whose orders lie apart', async () => {
    const journal = aJournal(anOldJournal());
    appendEvents(journal, 'queued', [said('x')]);
    finishRun(journal, 'running', END);
    acceptRun(journal, orderOf('new'), 'dispatched');
    expect(acceptRun(journal, orderOf('queued'), 'dispatched')).toBe('known');
    expect(listRuns(journal, 9).map(({ runId, order }) => [runId, order])).toEqual(
      ['new', 'over', 'unsent', 'running', 'queued'].map((runId) => [runId, orderOf(runId)]),
    );
    const apart = journal.db.prepare('SELECT run_id FROM dispatches').all();
    const rows = journal.db.prepare("SELECT run_id FROM runs WHERE dispatch = ''").all();
    expect([apart, rows]).toEqual([[{ run_id: 'new' }], [{ run_id: 'new' }]]);
    expect(await prune(journal, 4)).toBe(1);
    expect(readRun(journal, 'over')).toBeUndefined();
  });

  it('is put back where the version that changed it did nothing else', () => {
    const paths = devicePaths({ RUNMESH_HOME: tempDir() }, 'linux', '/');
    anOldJournal(paths.journal);
    const before = markBackups(paths);
    openDatabase({ path: paths.journal, migrations: MIGRATIONS, onBackup: () => {} }).close();
    expect(putBackJournal(paths, before, new FakeClock())).toBe('put_back');
  });
});
