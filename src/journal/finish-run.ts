import type { DurablePayload } from '../protocol/events.ts';
import { appendEvents } from './append-events.ts';
import { commit, type Journal } from './journal.ts';

/** Commits the end of a run with its `run_completed`, once: a run that has ended stays as it ended (`false`). */
export function finishRun(journal: Journal, runId: string, end: DurablePayload<'run_completed'>): boolean {
  return commit(journal, () => {
    const { changes } = journal.statements
      .get('UPDATE runs SET status = ?, ended_at = ? WHERE run_id = ? AND status IS NULL')
      .run(end.status, journal.clock.now(), runId);
    if (Number(changes) === 0) return false;
    journal.statements.get('DELETE FROM intents WHERE run_id = ?').run(runId);
    journal.statements.get('DELETE FROM steers WHERE run_id = ?').run(runId);
    appendEvents(journal, runId, [{ type: 'run_completed', payload: end }]);
    return true;
  });
}
