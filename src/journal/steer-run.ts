import type { RunEvent } from '../protocol/events.ts';
import { appendEvents } from './append-events.ts';
import { commit, type Journal } from './journal.ts';

/**
 * Keeps words for a run's next step. The same `steerId` again changes nothing, also when its words have been heard: an
 * order is sent again until its answer has arrived.
 */
export function addSteer(journal: Journal, runId: string, steerId: string, text: string): void {
  commit(journal, () =>
    journal.statements
      .get(
        `INSERT OR IGNORE INTO steers (steer_id, run_id, text, position)
         SELECT ?1, ?2, ?3, (SELECT coalesce(max(position), 0) + 1 FROM steers)
         WHERE NOT EXISTS (
           SELECT 1 FROM events
           WHERE run_id = ?2 AND type = 'run_steered' AND payload ->> '$.messageId' = ?1
         )`,
      )
      .run(steerId, runId, text),
  );
}

export function hasSteers(journal: Journal, runId: string): boolean {
  return journal.statements.get('SELECT 1 FROM steers WHERE run_id = ?').get(runId) !== undefined;
}

/** Turns the words that wait for a run into its events, in one commit. */
export function takeSteers(journal: Journal, runId: string): RunEvent[] {
  const select = 'SELECT steer_id, text FROM steers WHERE run_id = ? ORDER BY position';
  const rows = journal.statements.get(select).all(runId) as { steer_id: string; text: string }[];
  if (rows.length === 0) return [];
  const events = rows.map(
    (row): RunEvent => ({ type: 'run_steered', payload: { messageId: row.steer_id, text: row.text } }),
  );
  commit(journal, () => {
    journal.statements.get('DELETE FROM steers WHERE run_id = ?').run(runId);
    appendEvents(journal, runId, events);
  });
  return events;
}
