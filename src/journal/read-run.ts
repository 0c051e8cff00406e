import type { FinalStatus } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { RunOrigin } from './accept-run.ts';
import type { Journal } from './journal.ts';

/** A run as the journal has it. Times are epoch milliseconds. */
export interface JournaledRun {
  runId: string;
  threadId: string;
  rolloutId: string;
  attempt: number;
  origin: RunOrigin;
  order: DispatchOrder;
  acceptedAt: number;
  deadlineAt: number;
  committed: number;
  acked: number;
  /** `undefined` until the run has ended. */
  status: FinalStatus | undefined;
  endedAt: number | undefined;
  cancelReason: string | undefined;
}

export function readRun(journal: Journal, runId: string): JournaledRun | undefined {
  const row = journal.statements.get(`SELECT ${RUN_COLUMNS} FROM runs WHERE run_id = ?`).get(runId);
  return row === undefined ? undefined : runOf(row as RunRow);
}

/** Runs that have not ended, in the order in which they take turns. */
export function listUnfinished(journal: Journal): JournaledRun[] {
  const rows = journal.statements
    .get(`SELECT ${RUN_COLUMNS} FROM runs WHERE status IS NULL ORDER BY turn`)
    .all();
  return (rows as RunRow[]).map(runOf);
}

/** The newest runs first. */
export function listRuns(journal: Journal, limit: number): JournaledRun[] {
  const rows = journal.statements
    .get(`SELECT ${RUN_COLUMNS} FROM runs ORDER BY turn DESC LIMIT ?`)
    .all(limit);
  return (rows as RunRow[]).map(runOf);
}

export type RunRow = Record<'run_id' | 'thread_id' | 'rollout_id' | 'dispatch', string> &
  Record<'attempt' | 'accepted_at' | 'deadline_at' | 'committed' | 'acked', number> & {
    origin: RunOrigin;
    status: FinalStatus | null;
    ended_at: number | null;
    cancel_reason: string | null;
  };

export function runOf(row: RunRow): JournaledRun {
  return {
    runId: row.run_id,
    threadId: row.thread_id,
    rolloutId: row.rollout_id,
    attempt: row.attempt,
    origin: row.origin,
    order: JSON.parse(row.dispatch) as DispatchOrder,
    acceptedAt: row.accepted_at,
    deadlineAt: row.deadline_at,
    committed: row.committed,
    acked: row.acked,
    status: row.status ?? undefined,
    endedAt: row.ended_at ?? undefined,
    cancelReason: row.cancel_reason ?? undefined,
  };
}

/** What `runOf` reads of `runs`. */
export const RUN_COLUMNS = `run_id, thread_id, rollout_id, attempt, origin, accepted_at, deadline_at, committed, acked, status,
  ended_at, cancel_reason,
  coalesce((SELECT dispatch FROM dispatches WHERE dispatches.run_id = runs.run_id), runs.dispatch) AS dispatch`;
