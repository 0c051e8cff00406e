/** The schema of `audit.db`, a step a version. The triggers stop a mistake; the hashes show what was meant. */
export const auditMigrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE records (
    n INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    run_id TEXT,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  );
  CREATE INDEX records_by_run ON records (run_id, n) WHERE run_id IS NOT NULL;

  CREATE TRIGGER records_stay BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
  CREATE TRIGGER records_last BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'the audit is never cut'); END;

  -- How far the mesh has each epoch.
  CREATE TABLE mirrored (epoch TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
  `,
];
