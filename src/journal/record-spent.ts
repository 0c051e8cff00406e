import type { Journal } from './journal.ts';

/** What a run has used that its events do not say, as JSON of `runs/`; empty at its beginning. */
export function readSpent(journal: Journal, runId: string): Record<string, number> {
  const row = journal.statements.get('SELECT spent FROM runs WHERE run_id = ?').get(runId);
  return row === undefined ? {} : (JSON.parse((row as { spent: string }).spent) as Record<string, number>);
}

/** Joins the next commit: what a crash undoes of it is a few seconds of a count. */
export function recordSpent(journal: Journal, runId: string, spent: Readonly<Record<string, number>>): void {
  const sql = 'UPDATE runs SET spent = ? WHERE run_id = ?';
  journal.deferred.push(() => journal.statements.get(sql).run(JSON.stringify(spent), runId));
}
