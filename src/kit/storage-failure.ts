import { codeOf, messageOf, RunmeshError } from './errors.ts';

/** SQLITE_CORRUPT (11) and SQLITE_NOTADB (26), by the code SQLite's own API gives, or a failed integrity check. */
export function isDamage(error: unknown): boolean {
  return codeOf(error) === 'journal_damaged' || [11, 26].includes(primaryCode(error));
}

/** SQLITE_FULL (13), and SQLITE_IOERR (10) where the system said that there is no space. */
export function isDiskFull(error: unknown): boolean {
  return primaryCode(error) === 13 || (isIoError(error) && /space|quota/i.test(messageOf(error)));
}

/** SQLITE_IOERR (10). */
export function isIoError(error: unknown): boolean {
  return primaryCode(error) === 10;
}

export function diskFull(cause: unknown): RunmeshError {
  return new RunmeshError(
    'disk_full',
    'The disk is full, so nothing more can be committed. Free some space; the runs go on by themselves.',
    { cause, retryable: true },
  );
}

/** SQLite's result code without its extension. */
function primaryCode(error: unknown): number {
  if (typeof error === 'object' && error !== null && 'errcode' in error) return Number(error.errcode) & 0xff;
  return 0;
}
