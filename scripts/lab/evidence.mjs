import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';

/**
 * Opens what is on the disk of a database at this moment: a copy of its files, taken while its process (`pid`) is
 * stopped, so that the program's own connection stays the only one. It is what a killed process leaves.
 */
export function openEvidence(file, pid) {
  const dir = mkdtempSync(join(tmpdir(), 'runmesh-lab-copy-'));
  const copy = join(dir, 'copy.db');
  if (pid !== undefined) process.kill(pid, 'SIGSTOP');
  try {
    for (const suffix of ['', '-wal'])
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  } finally {
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
  }
  const db = new DatabaseSync(copy);
  return {
    all: (sql) => db.prepare(sql).all(),
    integrity: () =>
      db
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => row.integrity_check),
    close: () => {
      db.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Copies a database's files as they are while its process stands still. */
export function copyDatabase(file, copy, pid) {
  if (pid !== undefined) process.kill(pid, 'SIGSTOP');
  try {
    for (const suffix of FILES) rmSync(copy + suffix, { force: true });
    for (const suffix of FILES.slice(0, 2))
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
  } finally {
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
  }
}

/** Puts an older copy in the place of a journal, under an epoch of its own. Nobody has either open. */
export function rebuildJournal(older, journal) {
  copyDatabase(older, journal, undefined);
  const db = new DatabaseSync(journal);
  try {
    db.prepare("UPDATE meta SET value = ? WHERE name = 'epoch'").run(randomUUID());
  } finally {
    db.close();
  }
}

/** The device's journal: its runs, and their events as `[runSequence, type, payload, createdAt]`. */
export function readJournal(file, pid) {
  return read(file, pid, (db) => ({
    integrity: db.integrity(),
    epoch: db.all("SELECT value FROM meta WHERE name = 'epoch'")[0].value,
    runs: byId(
      db.all('SELECT run_id AS runId, status, committed, acked, thread_id AS threadId FROM runs'),
      db.all(
        'SELECT run_id AS runId, run_sequence AS n, type, payload, created_at AS at FROM events ORDER BY 1, 2',
      ),
      (at) => new Date(at).toISOString(),
    ),
  }));
}

/** The mesh's store, in the same shape; its events are those of every epoch. */
export function readMesh(file, pid) {
  return read(file, pid, (db) => ({
    integrity: db.integrity(),
    runs: byId(
      db.all(
        `SELECT id AS runId, status, last_run_sequence AS stored, usage, iterations, error, result,
           (SELECT value FROM meta WHERE name = 'mesh_epoch') AS meshEpoch FROM runs`,
      ),
      db.all(
        `SELECT run_id AS runId, run_sequence AS n, type, payload, created_at AS at, journal_epoch AS epoch,
           sequence FROM events ORDER BY 1, 2, sequence`,
      ),
      (at) => at,
    ),
  }));
}

/** How far the mesh has each run: what an acknowledgement promised. */
export function readStored(file, pid) {
  return read(file, pid, (db) =>
    db.all('SELECT id, last_run_sequence AS stored FROM runs').map(({ id, stored }) => [id, stored]),
  );
}

function read(file, pid, take) {
  const db = openEvidence(file, pid);
  try {
    return take(db);
  } finally {
    db.close();
  }
}

function byId(runs, events, isoOf) {
  const known = new Map(runs.map((run) => [run.runId, { ...run, events: [] }]));
  for (const { runId, n, type, payload, at, ...rest } of events)
    known.get(runId)?.events.push({ n, type, payload, at: isoOf(at), ...rest });
  return known;
}

const FILES = ['', '-wal', '-shm'];
