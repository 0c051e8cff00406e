import { closeSync, copyFileSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { acquireLock } from '../../device/lock.ts';
import type { DevicePaths } from '../../device/paths.ts';
import { type Clock, isoTime } from '../../kit/clock.ts';
import { hasSameContent } from '../../kit/same-content.ts';
import { emptyWal, listBackups, schemaOf } from '../../kit/sqlite.ts';

/**
 * What became of the journal under a version that failed: `untouched`, `put_back` (its schema was changed and nothing
 * else, so the copy from before is the journal again), or `kept`: something was committed after, and a journal that
 * forgets it could do it twice.
 */
export type JournalAfter = 'untouched' | 'put_back' | 'kept';

/** What tells one copy from a later one of the same name. Taken before a new version may make one. */
export function markBackups(paths: Pick<DevicePaths, 'journal'>): ReadonlySet<string> {
  return new Set(listBackups(paths.journal).map(markOf));
}

/** No daemon may run. Throws `already_running` where one does. */
export function putBackJournal(
  paths: Pick<DevicePaths, 'journal' | 'lock' | 'pid'>,
  before: ReadonlySet<string>,
  clock: Clock,
): JournalAfter {
  const made = listBackups(paths.journal).find((backup) => !before.has(markOf(backup)));
  if (made === undefined) return 'untouched';
  const lock = acquireLock(paths, { pid: process.pid, startedAt: isoTime(clock.now()) });
  try {
    // A version that died between the copy and the change has changed nothing.
    if (schemaOf(paths.journal) === schemaOf(made)) return 'untouched';
    if (!hasSameContent(paths.journal, made) || !emptyWal(paths.journal)) return 'kept';
    replaceDatabase(paths.journal, made);
    return 'put_back';
  } finally {
    lock.release();
  }
}

/**
 * A copy of the copy takes its place: SQLite may hold open for a while what was just looked at, and the journal is to be
 * nobody's but the daemon's. The WAL is empty by now, and belongs to no other file.
 */
function replaceDatabase(path: string, made: string): void {
  const next = `${path}.put-back`;
  copyFileSync(made, next);
  const file = openSync(next, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  renameSync(next, path);
  rmSync(made);
}

function markOf(backup: string): string {
  const { ino, mtimeMs } = statSync(backup);
  return `${backup} ${ino} ${mtimeMs}`;
}
