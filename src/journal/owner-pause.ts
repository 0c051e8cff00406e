import { commit, type Journal } from './journal.ts';

/** Whether the owner paused this device. A person's pause outlives the process: only a person lifts it. */
export function readOwnerPause(journal: Journal): boolean {
  return journal.statements.get('SELECT value FROM meta WHERE name = ?').get(NAME) !== undefined;
}

export function recordOwnerPause(journal: Journal, paused: boolean): void {
  const sql = paused
    ? "INSERT OR REPLACE INTO meta (name, value) VALUES (?, 'yes')"
    : 'DELETE FROM meta WHERE name = ?';
  commit(journal, () => journal.statements.get(sql).run(NAME));
}

const NAME = 'owner_pause';
