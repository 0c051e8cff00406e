import { copyFileSync, existsSync, renameSync } from 'node:fs';
import type { Clock } from '../kit/clock.ts';
import { codeOf, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import { type Database, openDatabase } from '../kit/sqlite.ts';
import { MIGRATIONS } from './migrations.ts';
import { Statements } from './statements.ts';

/**
 * The SQLite truth of a device: an event, an intent or an outcome exists once it is committed here, and nothing else
 * keeps state that a restart must rebuild. One connection; nobody else opens the file. Each operation is a file of
 * this folder, named by its verb, and takes the journal first.
 */
export interface Journal {
  readonly db: Database;
  readonly statements: Statements;
  readonly clock: Clock;
  /** Made with the file; tells a journal begun anew from the one it replaced. */
  readonly epoch: string;
  /** Where an unreadable journal was moved to, when this one had to be begun anew. */
  readonly setAside: string | undefined;
  /** What joins the next commit instead of making one of its own: nothing that a crash may not undo. */
  readonly deferred: (() => void)[];
  close(): void;
}

export interface OpenJournalOptions {
  path: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export function openJournal(options: OpenJournalOptions): Journal {
  const { path, clock, log } = options;
  try {
    return readyJournal(openChecked(options), options, undefined);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    const setAside = moveAside(path, clock.now());
    log.error({ path, setAside, reason: messageOf(error) }, 'the journal was damaged and was set aside');
    return readyJournal(openChecked(options), options, setAside);
  }
}

/** Runs `work` in one synced transaction; a full disk becomes an error that says so. */
export function commit<T>(journal: Journal, work: () => T): T {
  try {
    return journal.db.transaction(() => {
      for (const deferred of journal.deferred.splice(0)) deferred();
      return work();
    });
  } catch (error) {
    throw asDiskFull(error);
  }
}

function openChecked({ path, log }: OpenJournalOptions): Database {
  const beforeMigrate = (version: number) => {
    const backup = `${path}.schema-${version}.backup`;
    copyFileSync(path, backup);
    log.info({ backup }, 'the journal was copied before its schema changes');
  };
  const db = openDatabase({ path, migrations: MIGRATIONS, beforeMigrate });
  const row = db.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string };
  if (row.integrity_check === 'ok') return db;
  db.close();
  throw new RunmeshError('journal_damaged', row.integrity_check);
}

function readyJournal(
  db: Database,
  { clock, random }: OpenJournalOptions,
  setAside: string | undefined,
): Journal {
  db.prepare('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)').run('epoch', random.uuid());
  const { value } = db.prepare('SELECT value FROM meta WHERE name = ?').get('epoch') as { value: string };
  const statements = new Statements(db);
  return { db, statements, clock, epoch: value, setAside, deferred: [], close: () => db.close() };
}

function moveAside(path: string, now: number): string {
  const target = `${path}.damaged-${new Date(now).toISOString().replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  return target;
}

/** SQLITE_CORRUPT (11) and SQLITE_NOTADB (26), by the code SQLite's own API gives. */
function isDamaged(error: unknown): boolean {
  return codeOf(error) === 'journal_damaged' || [11, 26].includes(sqliteCode(error) & 0xff);
}

/** SQLITE_FULL (13), and SQLITE_IOERR (10) where the system said that there is no space. */
function asDiskFull(error: unknown): unknown {
  const code = sqliteCode(error);
  const full = (code & 0xff) === 13 || ((code & 0xff) === 10 && /space|quota/i.test(messageOf(error)));
  if (!full) return error;
  return new RunmeshError(
    'disk_full',
    'The disk is full, so nothing more can be committed. Free some space; the runs go on by themselves.',
    { cause: error, retryable: true },
  );
}

function sqliteCode(error: unknown): number {
  if (typeof error === 'object' && error !== null && 'errcode' in error) return Number(error.errcode);
  return 0;
}
