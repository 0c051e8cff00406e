import { commit, type Journal } from './journal.ts';

/** Ends a run without a word to the mesh, which has ended it itself or does not know it. */
export function forgetRun(journal: Journal, runId: string): void {
  commit(journal, () => {
    journal.statements.get('DELETE FROM intents WHERE run_id = ?').run(runId);
    journal.statements.get('DELETE FROM steers WHERE run_id = ?').run(runId);
    journal.statements
      .get(
        `UPDATE runs SET acked = committed, status = coalesce(status, 'cancelled'), ended_at = coalesce(ended_at, ?)
         WHERE run_id = ?`,
      )
      .run(journal.clock.now(), runId);
  });
}
