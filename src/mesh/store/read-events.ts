import type { ThreadEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
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

/** A run's events after `after`: `limit` of them, or the fewer that fit `answerBytes`, but one at least. */
export function readRunEvents(store: Store, runId: string, after: number, limit: number): ThreadEvent[] {
  const where = 'run_id = ? AND run_sequence > ? ORDER BY run_sequence LIMIT ?';
  return readPage(store, where, [runId, after], limit).events;
}

/**
 * A thread's events after the thread sequence `after`, as many as `readRunEvents` would, and whether there are more;
 * `rolloutId` narrows them to one rollout.
 */
export function readThreadEvents(
  store: Store,
  threadId: string,
  options: { after: number; limit: number; rolloutId: string | undefined },
): { events: ThreadEvent[]; more: boolean } {
  const rolloutId = options.rolloutId ?? null;
  const where = 'thread_id = ? AND sequence > ? AND (? IS NULL OR rollout_id = ?) ORDER BY sequence LIMIT ?';
  return readPage(store, where, [threadId, options.after, rolloutId, rolloutId], options.limit);
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

/** An event may hold an image of megabytes: the sizes are read first, and then no more than fits an answer. */
function readPage(
  store: Store,
  where: string,
  values: (string | number | null)[],
  limit: number,
): { events: ThreadEvent[]; more: boolean } {
  const sizes = store.all<{ bytes: number }>(
    `SELECT octet_length(payload) AS bytes FROM events WHERE ${where}`,
    ...values,
    limit + 1,
  );
  let bytes = 0;
  let fits = 0;
  for (const size of sizes.slice(0, limit)) {
    bytes += size.bytes;
    if (fits > 0 && bytes > LIMITS.answerBytes) break;
    fits += 1;
  }
  const rows = store.all<EventRow>(`SELECT ${COLUMNS} FROM events WHERE ${where}`, ...values, fits);
  return { events: rows.map(toThreadEvent), more: sizes.length > fits };
}

function toThreadEvent(row: EventRow): ThreadEvent {
  return { ...row, payload: JSON.parse(row.payload) as ThreadEvent['payload'] };
}

const COLUMNS = `type, run_id AS runId, thread_id AS threadId, rollout_id AS rolloutId, sequence,
  run_sequence AS runSequence, payload, created_at AS createdAt`;
