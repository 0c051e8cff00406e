import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import { type Database, openDatabase } from '../kit/sqlite.ts';
import type { DevicePaths } from './paths.ts';
import { replaceFile } from './replace-file.ts';

export interface DaemonLock {
  release(): void;
}

/** Who holds a lock, for people and for messages; the lock itself does not depend on it. */
export const lockHolder = z.object({ pid: z.int(), startedAt: z.string() });
export type LockHolder = z.infer<typeof lockHolder>;

/**
 * One daemon a home: two would execute the same runs. The lock is a write transaction held open on `daemon.lock`, so
 * the kernel lets it go when the holder dies, however it dies: there is no stale lock to recognise and no pid to
 * mistake for another's. Throws `already_running` naming the holder.
 */
export function acquireLock(paths: Pick<DevicePaths, 'lock' | 'pid'>, holder: LockHolder): DaemonLock {
  const db = openDatabase({ path: paths.lock, migrations: ['CREATE TABLE held (pid INTEGER)'] });
  try {
    db.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
  } catch (error) {
    db.close();
    throw isBusy(error) ? alreadyRunning(paths, error) : error;
  }
  try {
    replaceFile(paths.pid, `${JSON.stringify(holder)}\n`);
  } catch (error) {
    release(db, paths.pid);
    throw error;
  }
  return { release: () => release(db, paths.pid) };
}

/** What the pid file says; it may outlive a killed daemon. */
export function readLockHolder(paths: Pick<DevicePaths, 'pid'>): LockHolder | undefined {
  try {
    return lockHolder.parse(JSON.parse(readFileSync(paths.pid, 'utf8')));
  } catch {
    return undefined;
  }
}

function release(db: Database, pidFile: string): void {
  rmSync(pidFile, { force: true });
  // Closing alone leaves the transaction to whenever its statements are collected.
  db.exec('ROLLBACK');
  db.close();
}

function alreadyRunning(paths: Pick<DevicePaths, 'lock' | 'pid'>, cause: unknown): RunmeshError {
  const pid = readLockHolder(paths)?.pid;
  const who = pid === undefined ? 'Another daemon' : `A daemon (pid ${pid})`;
  return new RunmeshError(
    'already_running',
    `${who} already runs on ${paths.lock}. Stop it first, or use another RUNMESH_HOME.`,
    { cause, details: { pid: pid ?? null } },
  );
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

const SQLITE_BUSY = 5;
