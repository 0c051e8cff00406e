import { isoTime } from '../kit/clock.ts';
import type { DeviceEvent, RunEvent } from '../protocol/events.ts';
import type { Journal } from './journal.ts';

/** A run's committed events, in order, as the loop reads them. */
export function readRunEvents(journal: Journal, runId: string): RunEvent[] {
  const sql = 'SELECT type, payload FROM events WHERE run_id = ? ORDER BY run_sequence';
  const rows = journal.statements.get(sql).all(runId) as { type: string; payload: string }[];
  return rows.map((row) => ({ type: row.type, payload: JSON.parse(row.payload) }) as RunEvent);
}

/**
 * Events after `after`, as the wire carries them, until their text is `maxBytes` long; at least one where there is
 * one. Read row by row, so that a run with a long tail costs what is taken and no more.
 */
export function readEventsAfter(
  journal: Journal,
  runId: string,
  after: number,
  maxBytes: number,
): DeviceEvent[] {
  const rows = journal.statements
    .get(
      `SELECT run_sequence, type, payload, created_at FROM events
       WHERE run_id = ? AND run_sequence > ? ORDER BY run_sequence`,
    )
    .iterate(runId, after) as Iterable<{
    run_sequence: number;
    type: string;
    payload: string;
    created_at: number;
  }>;
  const events: DeviceEvent[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += Buffer.byteLength(row.payload) + EVENT_OVERHEAD_BYTES;
    if (events.length > 0 && bytes > maxBytes) break;
    events.push({
      runSequence: row.run_sequence,
      type: row.type,
      payload: JSON.parse(row.payload),
      createdAt: isoTime(row.created_at),
    });
  }
  return events;
}

/** Whether the run has said a message whole. */
export function hasMessage(journal: Journal, runId: string, messageId: string): boolean {
  const sql = `SELECT 1 FROM events
    WHERE run_id = ? AND type = 'assistant_message' AND payload ->> '$.messageId' = ?`;
  return journal.statements.get(sql).get(runId, messageId) !== undefined;
}

/** Names, numbers and stamp around a payload on the wire, rounded up. */
const EVENT_OVERHEAD_BYTES = 200;
