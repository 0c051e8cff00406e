import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import { commit, type Journal } from './journal.ts';

/**
 * Deletes runs that ended before `before` (epoch milliseconds) and that the mesh has whole, `batch` at a time in
 * transactions of their own and with a turn for everybody else between them, so that a long-neglected journal holds up
 * nothing. Answers how many went; an abort leaves the rest for the next time.
 */
export async function prune(
  journal: Journal,
  before: number,
  signal?: AbortSignal,
  batch = 50,
): Promise<number> {
  const sql = `DELETE FROM runs WHERE run_id IN
    (SELECT run_id FROM runs INDEXED BY runs_ended
     WHERE status IS NOT NULL AND acked >= committed AND ended_at < ? LIMIT ?)`;
  let total = 0;
  for (;;) {
    const gone = commit(journal, () => Number(journal.statements.get(sql).run(before, batch).changes));
    total += gone;
    if (gone < batch) return total;
    await othersHadTheirTurn();
    if (signal?.aborted) return total;
  }
}
