import { existsSync } from 'node:fs';
import type { Clock } from '../kit/clock.ts';
import { messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import { setAsideDatabase } from '../kit/set-aside.ts';
import { type Database, openDatabase } from '../kit/sqlite.ts';
import { diskFull, isDamage, isDiskFull, isIoError } from '../kit/storage-failure.ts';
import { type Ballast, ballastOf, openWithBallast } from './ballast.ts';
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
  /** Where an unreadable journal was moved to, when this one had to be begun anew; for as long as it lies there. */
  readonly setAside: string | undefined;
  /** What joins the next commit instead of making one of its own: nothing that a crash may not undo. */
  readonly deferred: (() => void)[];
  readonly ballast: Ballast;
  /** The file can be neither trusted nor written any more: only a new start can read what is true. */
  readonly onFailed: (error: RunmeshError) => void;
  close(): void;
}

export interface OpenJournalOptions {
  path: string;
  clock: Clock;
  random: Random;
  log: Log;
  onFailed?: Journal['onFailed'];
}

/** Throws `disk_full`, and `database_newer` where a later version wrote the file. */
export function openJournal(options: OpenJournalOptions): Journal {
  return openWithBallast(options.path, () => openOrBegin(options, ballastOf(options.path)));
}

/**
 * Runs `work` in one synced transaction. Where the disk is full the ballast makes room for it once; without that,
 * `disk_full` is thrown. A disk that fails otherwise is told to `onFailed`, since after a failed sync nobody knows what
 * is on it before it is read again. `unsynced` is for what a power cut may undo: what follows from it is not done before
 * the next synced commit, which carries it along.
 */
export function commit<T>(journal: Journal, work: () => T, how: 'synced' | 'unsynced' = 'synced'): T {
  if (journal.db.inTransaction) return work();
  try {
    return commitOnce(journal, work, how);
  } catch (error) {
    if (isDiskFull(error)) {
      if (!journal.ballast.spend()) throw diskFull(error);
      return commitWithBallast(journal, work, how);
    }
    if (!isIoError(error) && !isDamage(error)) throw error;
    const failure = new RunmeshError(
      'journal_failed',
      `The journal cannot be written: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
    journal.onFailed(failure);
    throw failure;
  }
}

function commitOnce<T>(journal: Journal, work: () => T, how: 'synced' | 'unsynced'): T {
  const deferred = journal.deferred.splice(0);
  try {
    return journal.db.transaction(() => {
      for (const one of deferred) one();
      return work();
    }, how);
  } catch (error) {
    journal.deferred.unshift(...deferred);
    throw error;
  }
}

function commitWithBallast<T>(journal: Journal, work: () => T, how: 'synced' | 'unsynced'): T {
  try {
    return commitOnce(journal, work, how);
  } catch (error) {
    throw isDiskFull(error) ? diskFull(error) : error;
  }
}

function openOrBegin(options: OpenJournalOptions, ballast: Ballast): Journal {
  const { path, clock, log } = options;
  try {
    return readyJournal(options, ballast);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const setAside = setAsideDatabase(path, clock.now());
    log.error({ path, setAside, reason: messageOf(error) }, 'the journal was damaged and was set aside');
    return readyJournal(options, ballast, setAside);
  }
}

function readyJournal(options: OpenJournalOptions, ballast: Ballast, setAside?: string): Journal {
  const { clock, random, onFailed = () => {} } = options;
  const db = openChecked(options);
  const statements = new Statements(db);
  const keep = statements.get('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)');
  const read = (name: string) => {
    const row = statements.get('SELECT value FROM meta WHERE name = ?').get(name);
    return (row as { value: string } | undefined)?.value;
  };
  try {
    keep.run('epoch', random.uuid());
    if (setAside !== undefined) keep.run('set_aside', setAside);
    ballast.fill();
    const damaged = read('set_aside');
    return {
      db,
      statements,
      clock,
      epoch: read('epoch') ?? '',
      setAside: damaged !== undefined && existsSync(damaged) ? damaged : undefined,
      deferred: [],
      ballast,
      onFailed,
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function openChecked({ path, log }: OpenJournalOptions): Database {
  const onBackup = (backup: string) =>
    log.info({ backup }, 'the journal was copied before its schema changes');
  const db = openDatabase({ path, migrations: MIGRATIONS, onBackup });
  const row = db.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string };
  if (row.integrity_check === 'ok') return db;
  db.close();
  throw new RunmeshError('journal_damaged', row.integrity_check);
}
