import { commit, type Journal } from './journal.ts';

/** Commits that a run is to be cancelled, so that a restart remembers. `false` when it has ended or is not known. */
export function requestCancel(journal: Journal, runId: string, reason: string): boolean {
  const sql =
    'UPDATE runs SET cancel_reason = coalesce(cancel_reason, ?) WHERE run_id = ? AND status IS NULL';
  return commit(journal, () => Number(journal.statements.get(sql).run(reason, runId).changes) === 1);
}
