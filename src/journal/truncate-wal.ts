import type { Journal } from './journal.ts';

/** Brings the WAL into the database and gives its space back. For an idle moment: nothing else is committed meanwhile. */
export function truncateWal(journal: Journal): void {
  journal.statements.get('PRAGMA wal_checkpoint(TRUNCATE)').get();
}
