import { commit, type Journal } from './journal.ts';

/**
 * Counts that the process died while the run was at `step`, and answers how often it did so at this very step. A run
 * that got further starts counting anew. Its loop is not at work now: a death before it is again is not its doing.
 */
export function countDeath(journal: Journal, runId: string, step: number): number {
  return commit(journal, () => {
    markRunning(journal, runId, false);
    journal.statements
      .get(
        'UPDATE runs SET deaths = CASE WHEN deaths_at_step = ? THEN deaths + 1 ELSE 1 END, deaths_at_step = ? WHERE run_id = ?',
      )
      .run(step, step, runId);
    const row = journal.statements.get('SELECT deaths FROM runs WHERE run_id = ?').get(runId);
    return (row as { deaths: number }).deaths;
  });
}

/** How often the process died while the run was at `step`. */
export function deathsAt(journal: Journal, runId: string, step: number): number {
  const sql = 'SELECT deaths FROM runs WHERE run_id = ? AND deaths_at_step = ?';
  return (journal.statements.get(sql).get(runId, step) as { deaths: number } | undefined)?.deaths ?? 0;
}

/** Marks that a run's loop is at work, or was put down in good order. Joins the transaction it is called in. */
export function markRunning(journal: Journal, runId: string, running: boolean): void {
  commit(journal, () =>
    journal.statements.get('UPDATE runs SET running = ? WHERE run_id = ?').run(running ? 1 : 0, runId),
  );
}

/** Whether the process died while the run's loop was at work. */
export function wasRunning(journal: Journal, runId: string): boolean {
  const row = journal.statements.get('SELECT running FROM runs WHERE run_id = ?').get(runId);
  return (row as { running: number } | undefined)?.running === 1;
}
