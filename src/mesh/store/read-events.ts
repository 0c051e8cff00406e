import type { ThreadEvent } from '../../protocol/events.ts';
import type { Store } from './store.ts';

interface EventRow {
  type: string;
  runId: string;
  threadId: string;
  rolloutId: string;
  sequence: number;
  runSequence: number;
  payload: string;
  createdAt: string;
}

/** A run's events after `after`, a page at a time. */
export function readRunEvents(store: Store, runId: string, after: number, limit: number): ThreadEvent[] {
  return store
    .all<EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE run_id = ? AND run_sequence > ? ORDER BY run_sequence LIMIT ?`,
      runId,
      after,
      limit,
    )
    .map(toThreadEvent);
}

/** A thread's events after the thread sequence `after`; `rolloutId` narrows them to one rollout. */
export function readThreadEvents(
  store: Store,
  threadId: string,
  options: { after: number; limit: number; rolloutId: string | undefined },
): ThreadEvent[] {
  const rolloutId = options.rolloutId ?? null;
  return store
    .all<EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE thread_id = ? AND sequence > ? AND (? IS NULL OR rollout_id = ?)
       ORDER BY sequence LIMIT ?`,
      threadId,
      options.after,
      rolloutId,
      rolloutId,
      options.limit,
    )
    .map(toThreadEvent);
}

/** What a new run of the thread continues: the rollout's events of all other runs, oldest first. */
export function readHistory(
  store: Store,
  run: { threadId: string; rolloutId: string; id: string },
): ThreadEvent[] {
  return store
    .all<EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE thread_id = ? AND rollout_id = ? AND run_id <> ? ORDER BY sequence`,
      run.threadId,
      run.rolloutId,
      run.id,
    )
    .map(toThreadEvent);
}

export function readEventsOfType(store: Store, runId: string, type: string): ThreadEvent[] {
  return store
    .all<EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE run_id = ? AND type = ? ORDER BY run_sequence`,
      runId,
      type,
    )
    .map(toThreadEvent);
}

function toThreadEvent(row: EventRow): ThreadEvent {
  return { ...row, payload: JSON.parse(row.payload) as ThreadEvent['payload'] };
}

const COLUMNS = `type, run_id AS runId, thread_id AS threadId, rollout_id AS rolloutId, sequence,
  run_sequence AS runSequence, payload, created_at AS createdAt`;
