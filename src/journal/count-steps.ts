import type { Journal } from './journal.ts';

/** How many model steps of a run are committed, without reading what they said. */
export function countSteps(journal: Journal, runId: string): number {
  const sql = "SELECT count(*) AS steps FROM events WHERE run_id = ? AND type = 'assistant_message'";
  return (journal.statements.get(sql).get(runId) as { steps: number }).steps;
}
