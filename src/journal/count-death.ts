import { commit, type Journal } from './journal.ts';

/**
 * Counts that the process died while the run was at `step`, and answers how often it did so at this very step. A run
 * that got further starts counting anew.
 */
export function countDeath(journal: Journal, runId: string, step: number): number {
  return commit(journal, () => {
    journal.statements
      .get(
        'UPDATE runs SET deaths = CASE WHEN deaths_at_step = ? THEN deaths + 1 ELSE 1 END, deaths_at_step = ? WHERE run_id = ?',
      )
      .run(step, step, runId);
    const row = journal.statements.get('SELECT deaths FROM runs WHERE run_id = ?').get(runId);
    return (row as { deaths: number }).deaths;
  });
}

/** Takes a counted death back: the process is stopping because it was asked to. */
export function clearDeaths(journal: Journal, runId: string): void {
  journal.statements.get('UPDATE runs SET deaths = 0 WHERE run_id = ?').run(runId);
}
