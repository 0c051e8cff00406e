import { RUN_COLUMNS, type RunRow } from './runs.ts';
import type { Store } from './store.ts';

/** Every run of a device that has not ended, oldest first. */
export function unfinishedRuns(store: Store, deviceId: string): RunRow[] {
  return store.all<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM runs INDEXED BY runs_unfinished WHERE device_id = ? AND completed_at IS NULL ORDER BY seq`,
    deviceId,
  );
}

/**
 * The runs of a device that may be dispatched now, oldest first. A run waits for the earlier ones of its thread, so
 * that the history it travels with is whole, and while the device has `atMost` unfinished runs.
 */
export function dispatchableRuns(store: Store, deviceId: string, atMost: number): RunRow[] {
  const taken = unfinishedRuns(store, deviceId).filter(({ status }) => status !== 'registered').length;
  return store.all<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM runs INDEXED BY runs_unfinished
     WHERE device_id = ? AND completed_at IS NULL AND status = 'registered' AND started_by = 'caller' AND NOT EXISTS (
       SELECT 1 FROM runs AS earlier
       WHERE earlier.thread_id = runs.thread_id AND earlier.seq < runs.seq AND earlier.completed_at IS NULL)
     ORDER BY seq LIMIT ?`,
    deviceId,
    Math.max(0, atMost - taken),
  );
}

/** Unfinished runs whose deadline passed before `instant`, with the devices they wait for. */
export function overdueRuns(store: Store, instant: number): RunRow[] {
  return store.all<RunRow>(
    `SELECT ${RUN_COLUMNS} FROM runs WHERE completed_at IS NULL AND deadline_at < ? ORDER BY deadline_at`,
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
