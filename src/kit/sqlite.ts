import { readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { DatabaseSync, DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';
import { messageOf, RunmeshError } from './errors.ts';

/**
 * SQLite, opened the one way this program trusts: WAL with `synchronous=FULL` (on macOS with `fullfsync`, where
 * `fsync` alone does not reach the drive), one connection a file, numbered migrations, strict foreign keys.
 */
export interface Database {
  prepare(sql: string): StatementSyncInstance;
  exec(sql: string): void;
  /** Whether a transaction is under way. */
  readonly inTransaction: boolean;
  /**
   * Runs `work` in one immediate transaction: all of it is on disk when this returns, or none of it. Unsynced, it does not
   * wait for the disk: a killed process loses nothing of it, a power cut may, and the next synced one carries it along.
   */
  transaction<T>(work: () => T, how?: 'synced' | 'unsynced'): T;
  close(): void;
}

export interface OpenDatabaseOptions {
  path: string;
  /** SQL of each schema version, in order; a database at version n gets those from n on. */
  migrations: readonly string[];
  /** A database that holds data was copied here before its first migration; the copy has the schema of old. */
  onBackup?: (backup: string) => void;
}

/** Throws `database_damaged`, `database_unreadable` (both with SQLite's own error as `cause`) and `database_newer`. */
export function openDatabase(options: OpenDatabaseOptions): Database {
  const db = openFile(options);
  let depth = 0;
  return {
    prepare: (sql) => db.prepare(sql),
    exec: (sql) => db.exec(sql),
    get inTransaction() {
      return depth > 0;
    },
    transaction: (work, how = 'synced') => {
      if (depth > 0) return work();
      depth += 1;
      try {
        return how === 'synced' ? transact(db, work) : transactUnsynced(db, work);
      } finally {
        depth -= 1;
      }
    },
    close: () => db.close(),
  };
}

function openFile(options: OpenDatabaseOptions): DatabaseSyncInstance {
  const Sqlite = soundSqlite();
  let db: DatabaseSyncInstance | undefined;
  try {
    db = new Sqlite(options.path);
    db.exec(
      // The timeout first: another process that opens or closes the file holds it for a moment.
      'PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;',
    );
    if (process.platform === 'darwin') db.exec('PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1;');
    migrate(db, options);
    return db;
  } catch (error) {
    db?.close();
    throw inWords(error, options.path);
  }
}

/** SQLite says what it met and not in which file. */
function inWords(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new RunmeshError(
      'database_damaged',
      `${path} is damaged (${messageOf(error)}). Put a copy back in its place, or move it away to begin anew.`,
      { cause: error },
    );
  }
  if (code === SQLITE_CANTOPEN || code === SQLITE_READONLY) {
    return new RunmeshError(
      'database_unreadable',
      `${path} cannot be opened (${messageOf(error)}). Its folder must be there and writable for this user.`,
      { cause: error },
    );
  }
  return error;
}

/** SQLite's result code without its extension; 0 where it is not SQLite's error. */
export function sqliteCode(error: unknown): number {
  if (typeof error === 'object' && error !== null && 'errcode' in error) return Number(error.errcode) & 0xff;
  return 0;
}

function transact<T>(db: DatabaseSyncInstance, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A failed COMMIT (disk full) may already have rolled back; a second ROLLBACK then has nothing to do.
    try {
      db.exec('ROLLBACK');
    } catch {}
    throw error;
  }
}

/** In WAL mode NORMAL is FULL without the sync of each commit (https://sqlite.org/pragma.html#pragma_synchronous). */
function transactUnsynced<T>(db: DatabaseSyncInstance, work: () => T): T {
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return transact(db, work);
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}

/** What SQLite finds wrong in a file that nobody has open; `ok` where nothing. Reads only. */
export function checkDatabase(path: string): string {
  const Sqlite = soundSqlite();
  const db = new Sqlite(path, { readOnly: true });
  try {
    return (db.prepare(QUICK_CHECK).get() as { quick_check: string }).quick_check;
  } finally {
    db.close();
  }
}

/** The same of a file that is open here, by its own connection. */
export function checkOpenDatabase(db: Pick<Database, 'prepare'>): string {
  return (db.prepare(QUICK_CHECK).get() as { quick_check: string }).quick_check;
}

/** As it is, of whatever schema: nothing is migrated. */
export function openUnmigrated(path: string): DatabaseSyncInstance {
  const Sqlite = soundSqlite();
  return new Sqlite(path);
}

/** The number of the schema a file has; it must be open nowhere else. */
export function schemaOf(path: string): number {
  const db = openUnmigrated(path);
  try {
    return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  } finally {
    db.close();
  }
}

/** Brings all that is in the WAL into the file; whether nothing is left there. */
export function emptyWal(path: string): boolean {
  const db = openUnmigrated(path);
  try {
    return (db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }).busy === 0;
  } finally {
    db.close();
  }
}

/** The copies that were made of it, each before it left a schema. */
export function listBackups(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.schema-`));
  return names.filter((name) => name.endsWith('.backup')).map((name) => join(dirname(path), name));
}

function migrate(db: DatabaseSyncInstance, { path, migrations, onBackup }: OpenDatabaseOptions): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number };
  const version = row.user_version;
  if (version > migrations.length) {
    throw new RunmeshError(
      'database_newer',
      `${path} was written by a newer version of this program (schema ${version}, this one knows ${migrations.length}). Install that version again, or move the file away.`,
    );
  }
  if (version > 0 && version < migrations.length) onBackup?.(backUp(db, path, version));
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

/** By SQLite itself, since the file alone lacks what is still in the WAL. Whole or not there: a killed copy is no backup. */
function backUp(db: DatabaseSyncInstance, path: string, version: number): string {
  const backup = `${path}.schema-${version}.backup`;
  const part = `${backup}.part`;
  rmSync(part, { force: true });
  db.prepare('VACUUM INTO ?').run(part);
  renameSync(part, backup);
  return backup;
}

/**
 * `node:sqlite` where Node has one that is sound, its drop-in otherwise. Releases before 3.51.3 (but for 3.50.7+ and
 * 3.44.6+) can lose committed transactions when a checkpoint resets the WAL (https://sqlite.org/wal.html#walresetbug).
 */
function soundSqlite(): typeof DatabaseSync {
  const builtin = process.getBuiltinModule?.('node:sqlite') as
    | { DatabaseSync: typeof DatabaseSync }
    | undefined;
  if (builtin && isSoundSqlite(versionOf(builtin.DatabaseSync))) return builtin.DatabaseSync;
  const require = createRequire(import.meta.url);
  return (require('@photostructure/sqlite') as { DatabaseSync: typeof DatabaseSync }).DatabaseSync;
}

function versionOf(Sqlite: typeof DatabaseSync): string {
  const memory = new Sqlite(':memory:');
  try {
    return (memory.prepare('select sqlite_version() as version').get() as { version: string }).version;
  } finally {
    memory.close();
  }
}

export function isSoundSqlite(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major !== 3) return major > 3;
  if (minor >= 52) return true;
  const firstSoundPatch: Record<number, number> = { 51: 3, 50: 7, 44: 6 };
  const needed = firstSoundPatch[minor];
  return needed !== undefined && patch >= needed;
}

/** https://sqlite.org/rescode.html */
export const SQLITE_IOERR = 10;
export const SQLITE_CORRUPT = 11;
export const SQLITE_FULL = 13;
export const SQLITE_NOTADB = 26;
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;
const QUICK_CHECK = 'PRAGMA quick_check(1)';
