import type { RunRow } from './runs.ts';
import type { Store } from './store.ts';

/** What is asked of many runs each second: without what their callers said. */
export type UnfinishedRun = Pick<
  RunRow,
  'id' | 'deviceId' | 'status' | 'startedBy' | 'lastRunSequence' | 'deadlineAt'
>;

/** Every run of a device that has not ended, oldest first. */
export function unfinishedRuns(store: Store, deviceId: string): UnfinishedRun[] {
  return store.all<UnfinishedRun>(
    `SELECT ${UNFINISHED_COLUMNS} FROM runs INDEXED BY runs_unfinished
     WHERE device_id = ? AND completed_at IS NULL ORDER BY seq`,
    deviceId,
  );
}

/** The unfinished runs that a device started itself before `instant`. */
export function runsHeldSince(store: Store, deviceId: string, instant: number): UnfinishedRun[] {
  return store.all<UnfinishedRun>(
    `SELECT ${UNFINISHED_COLUMNS} FROM runs INDEXED BY runs_unfinished
     WHERE device_id = ? AND completed_at IS NULL AND started_by = 'device' AND created_at < ? ORDER BY seq`,
    deviceId,
    instant,
  );
}

/**
 * The runs of a device that may be dispatched now, oldest first. A run waits for the earlier ones of its thread, so
 * that the history it travels with is whole, and while the device has `atMost` unfinished runs.
 */
export function dispatchableRuns(store: Store, deviceId: string, atMost: number): UnfinishedRun[] {
  return store.all<UnfinishedRun>(
    `SELECT ${UNFINISHED_COLUMNS} FROM runs INDEXED BY runs_unfinished_by_status
     WHERE device_id = ? AND completed_at IS NULL AND status = 'registered' AND started_by = 'caller' AND NOT EXISTS (
       SELECT 1 FROM runs AS earlier INDEXED BY runs_unfinished_by_thread
       WHERE earlier.thread_id = runs.thread_id AND earlier.seq < runs.seq AND earlier.completed_at IS NULL)
     ORDER BY seq LIMIT ?`,
    deviceId,
    Math.max(0, atMost - countTaken(store, deviceId)),
  );
}

/** Unfinished runs whose deadline passed before `instant`, with the devices they wait for. */
export function overdueRuns(store: Store, instant: number): UnfinishedRun[] {
  return store.all<UnfinishedRun>(
    `SELECT ${UNFINISHED_COLUMNS} FROM runs INDEXED BY runs_by_deadline
     WHERE completed_at IS NULL AND deadline_at < ? ORDER BY deadline_at`,
    instant,
  );
}

export function countUnfinishedRuns(
  store: Store,
  orgId: string,
): Record<'registered' | 'dispatched' | 'running', number> {
  const rows = store.all<{ status: 'registered' | 'dispatched' | 'running'; count: number }>(
    'SELECT status, count(*) AS count FROM runs WHERE org_id = ? AND completed_at IS NULL GROUP BY status',
    orgId,
  );
  const counts = { registered: 0, dispatched: 0, running: 0 };
  for (const { status, count } of rows) counts[status] = count;
  return counts;
}

function countTaken(store: Store, deviceId: string): number {
  const row = store.get<{ count: number }>(
    `SELECT count(*) AS count FROM runs INDEXED BY runs_unfinished_by_status
     WHERE device_id = ? AND completed_at IS NULL AND status IN ('dispatched', 'running')`,
    deviceId,
  );
  return row?.count ?? 0;
}

const UNFINISHED_COLUMNS = `id, device_id AS deviceId, status, started_by AS startedBy,
  last_run_sequence AS lastRunSequence, deadline_at AS deadlineAt`;
