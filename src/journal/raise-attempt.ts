import { commit, type Journal } from './journal.ts';

/** Commits that a run is in a later attempt now: what it says from here on is of that one, as the mesh's fence asks. */
export function raiseAttempt(journal: Journal, runId: string, attempt: number): void {
  const sql = 'UPDATE runs SET attempt = ?1 WHERE run_id = ?2 AND attempt < ?1';
  commit(journal, () => journal.statements.get(sql).run(attempt, runId));
}
