import { isDiskFull } from '../kit/storage-failure.ts';
import type { RunOrigin } from './accept-run.ts';
import type { Journal } from './journal.ts';

/** Where a run stands between journal and mesh. */
export interface RunCursor {
  runId: string;
  threadId: string;
  rolloutId: string;
  attempt: number;
  origin: RunOrigin;
  /** The last runSequence committed here; 0 when none. */
  committed: number;
  /** The last runSequence the mesh has on its disk. */
  acked: number;
}

/** Runs that have not ended, or of which the mesh lacks something. */
export function listCursors(journal: Journal): RunCursor[] {
  return journal.statements.get(`${SELECT} WHERE ${NOT_OVER}`).all().map(cursorOf);
}

/** Whether the run has ended and the mesh lacks nothing of it: it is not among `listCursors`. */
export function isOver(journal: Journal, runId: string): boolean {
  const sql = `SELECT 1 FROM runs WHERE run_id = ? AND (${NOT_OVER})`;
  return journal.statements.get(sql).get(runId) === undefined;
}

export function readCursor(journal: Journal, runId: string): RunCursor | undefined {
  const row = journal.statements.get(`${SELECT} WHERE run_id = ?`).get(runId);
  return row === undefined ? undefined : cursorOf(row);
}

/**
 * Commits what the mesh acknowledged. Never goes back, and never beyond what was committed here. On a full disk it is
 * passed over: no ballast is spent on what the mesh says again with its next `welcome`, nor is the disk waited for.
 */
export function recordAck(journal: Journal, runId: string, runSequence: number): void {
  const sql = 'UPDATE runs SET acked = min(?, committed) WHERE run_id = ? AND acked < ?';
  try {
    journal.db.transaction(
      () => journal.statements.get(sql).run(runSequence, runId, runSequence),
      'unsynced',
    );
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function cursorOf(row: unknown): RunCursor {
  const { run_id, thread_id, rollout_id, ...rest } = row as CursorRow;
  const { attempt, origin, committed, acked } = rest;
  return { runId: run_id, threadId: thread_id, rolloutId: rollout_id, attempt, origin, committed, acked };
}

type CursorRow = Pick<RunCursor, 'attempt' | 'origin' | 'committed' | 'acked'> &
  Record<'run_id' | 'thread_id' | 'rollout_id', string>;

const NOT_OVER = 'acked < committed OR status IS NULL';
const SELECT = 'SELECT run_id, thread_id, rollout_id, attempt, origin, committed, acked FROM runs';
