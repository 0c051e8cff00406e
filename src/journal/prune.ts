import { commit, type Journal } from './journal.ts';

/**
 * Deletes runs that ended before `before` (epoch milliseconds) and that the mesh has whole, `batch` at a time in
 * transactions of their own, so that a long-neglected journal never holds up a commit. Answers how many went.
 */
export function prune(journal: Journal, before: number, batch = 50): number {
  const sql = `DELETE FROM runs WHERE run_id IN
    (SELECT run_id FROM runs WHERE status IS NOT NULL AND acked >= committed AND ended_at < ? LIMIT ?)`;
  let total = 0;
  for (;;) {
    const gone = commit(journal, () => Number(journal.statements.get(sql).run(before, batch).changes));
    total += gone;
    if (gone < batch) return total;
  }
}
