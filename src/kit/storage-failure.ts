import { codeOf, messageOf, RunmeshError } from './errors.ts';
import { SQLITE_CORRUPT, SQLITE_FULL, SQLITE_IOERR, SQLITE_NOTADB, sqliteCode } from './sqlite.ts';

/** By the code that SQLite gives while the file is in use, or by what was found when it was opened. */
export function isDamage(error: unknown): boolean {
  const found = ['journal_damaged', 'database_damaged'].includes(codeOf(error));
  return found || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCode(error));
}

/** Also an I/O error where the system said that there is no space, to SQLite or to us. */
export function isDiskFull(error: unknown): boolean {
  if (sqliteCode(error) === SQLITE_FULL || NO_SPACE.has(codeOf(error))) return true;
  return isIoError(error) && /space|quota/i.test(messageOf(error));
}

export function isIoError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_IOERR;
}

export function diskFull(cause: unknown): RunmeshError {
  return new RunmeshError(
    'disk_full',
    'The disk is full, so nothing more can be committed. Free some space; the runs go on by themselves.',
    { cause, retryable: true },
  );
}

/** The system's words, and ours. */
const NO_SPACE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'disk_full']);
