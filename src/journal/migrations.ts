/**
 * The journal's schema, a step a version; never edit one that was released. Payloads are JSON text: a NUL or half of
 * a surrogate pair in a command's output must come back as it went in, and SQLite's TEXT alone does not promise that.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    thread_id TEXT NOT NULL,
    rollout_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('dispatched', 'here')),
    dispatch TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    -- The number in which runs of a thread take turns.
    turn INTEGER NOT NULL UNIQUE,
    committed INTEGER NOT NULL DEFAULT 0,
    acked INTEGER NOT NULL DEFAULT 0,
    -- NULL until the run has ended.
    status TEXT CHECK (status IN ('completed', 'failed', 'cancelled')),
    ended_at INTEGER,
    cancel_reason TEXT,
    -- 1 from the moment the run's loop starts until it is put down: a starting daemon that reads 1 follows a death.
    running INTEGER NOT NULL DEFAULT 0,
    -- How often the process died while the run was at the step it is at now.
    deaths INTEGER NOT NULL DEFAULT 0,
    deaths_at_step INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  CREATE INDEX runs_unfinished ON runs (turn) WHERE status IS NULL;
  CREATE INDEX runs_unsent ON runs (run_id) WHERE acked < committed OR status IS NULL;

  CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    run_sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, run_sequence)
  ) WITHOUT ROWID;

  -- Calls that were about to run. The row goes when the outcome is committed: what is left after a crash is unknown.
  CREATE TABLE intents (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    name TEXT NOT NULL,
    repeatable INTEGER NOT NULL,
    intended_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, call_id)
  ) WITHOUT ROWID;

  CREATE TABLE processes (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    session_id INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_time TEXT NOT NULL,
    sid INTEGER NOT NULL,
    PRIMARY KEY (run_id, session_id)
  ) WITHOUT ROWID;

  CREATE TABLE steers (
    steer_id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    text TEXT NOT NULL,
    position INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- What the run has used that its events do not say, as JSON.
  ALTER TABLE runs ADD COLUMN spent TEXT NOT NULL DEFAULT '{}';
  `,
  `
  -- Usage by day is asked for each second while somebody looks.
  CREATE INDEX events_steps ON events (created_at) WHERE type = 'assistant_message';
  `,
  `
  -- A run's order, which may be 32 MB: in the run's own row, each look at what stands behind it and each change of the row
  -- would go through all of that. Runs of before keep theirs in runs.dispatch, which is '' in later ones: moved rows would
  -- be taken for something that was committed where this change has to be undone.
  CREATE TABLE dispatches (
    run_id TEXT PRIMARY KEY NOT NULL REFERENCES runs ON DELETE CASCADE,
    dispatch TEXT NOT NULL
  );
  CREATE INDEX runs_ended ON runs (ended_at) WHERE status IS NOT NULL;
  CREATE INDEX events_steps_by_run ON events (run_id) WHERE type = 'assistant_message';
  `,
];
