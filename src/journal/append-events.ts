import type { RunEvent } from '../protocol/events.ts';
import { commit, type Journal } from './journal.ts';

/** Commits events as the run's next ones and answers the last `runSequence`. All of them or none. */
export function appendEvents(journal: Journal, runId: string, events: readonly RunEvent[]): number {
  return commit(journal, () => {
    const row = journal.statements.get('SELECT committed FROM runs WHERE run_id = ?').get(runId);
    let { committed } = row as { committed: number };
    const insert = journal.statements.get(
      'INSERT INTO events (run_id, run_sequence, type, payload, created_at) VALUES (?, ?, ?, ?, ?)',
    );
    for (const { type, payload } of events) {
      committed += 1;
      insert.run(runId, committed, type, JSON.stringify(payload), journal.clock.now());
    }
    journal.statements.get('UPDATE runs SET committed = ? WHERE run_id = ?').run(committed, runId);
    return committed;
  });
}
