/**
 * The schema, a string a version. Instants are milliseconds since 1970 but for an event's `created_at`, which is kept
 * as its device wrote it. Columns that hold JSON hold text. `seq` orders rows and is what cursors of lists carry.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE api_keys (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device_id TEXT,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
  ) STRICT;
  CREATE INDEX api_keys_by_device ON api_keys (device_id);

  CREATE TABLE nodes (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    label TEXT NOT NULL,
    os TEXT NOT NULL,
    hostname TEXT NOT NULL,
    app_version TEXT NOT NULL,
    public_key TEXT NOT NULL,
    capabilities TEXT,
    last_heard_at INTEGER,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    deleted_at INTEGER
  ) STRICT;

  CREATE TABLE link_codes (
    code TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    label TEXT NOT NULL,
    os TEXT NOT NULL,
    hostname TEXT NOT NULL,
    app_version TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    wrong_signatures INTEGER NOT NULL DEFAULT 0,
    device_id TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE agents (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    UNIQUE (org_id, slug)
  ) STRICT;

  CREATE TABLE threads (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    owner_user_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    title TEXT,
    execution_mode TEXT NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    active_rollout_id TEXT NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX threads_by_agent ON threads (agent_id);

  CREATE TABLE rollouts (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    thread_id TEXT NOT NULL REFERENCES threads (id),
    started_at INTEGER NOT NULL,
    completed_at INTEGER
  ) STRICT;
  CREATE INDEX rollouts_by_thread ON rollouts (thread_id);

  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id),
    rollout_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    agent_slug TEXT NOT NULL,
    execution_mode TEXT NOT NULL,
    device_id TEXT,
    started_by TEXT NOT NULL,
    agent TEXT NOT NULL,
    input TEXT NOT NULL,
    config TEXT NOT NULL,
    metadata TEXT NOT NULL,
    deadline_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    journal_epoch TEXT,
    last_run_sequence INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    usage TEXT,
    iterations INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created_at INTEGER NOT NULL,
    completed_at INTEGER
  ) STRICT;
  CREATE INDEX runs_by_thread ON runs (thread_id, seq);
  CREATE INDEX runs_unfinished ON runs (device_id, seq) WHERE completed_at IS NULL;
  CREATE INDEX runs_by_deadline ON runs (deadline_at) WHERE completed_at IS NULL;

  CREATE TABLE events (
    thread_id TEXT NOT NULL REFERENCES threads (id),
    sequence INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    rollout_id TEXT NOT NULL,
    journal_epoch TEXT NOT NULL,
    run_sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (thread_id, sequence)
  ) STRICT;
  CREATE UNIQUE INDEX events_by_run ON events (run_id, run_sequence, journal_epoch);

  CREATE TABLE orders (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL REFERENCES runs (id),
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    message TEXT,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX orders_pending ON orders (run_id, seq) WHERE state = 'pending';

  CREATE TABLE idempotency_keys (
    org_id TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    run_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, key)
  ) STRICT;
  `,
  `
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    org_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    n INTEGER NOT NULL,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    run_id TEXT,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (device_id, epoch, n)
  ) STRICT;
  CREATE INDEX audit_by_org ON audit (org_id, seq);
  CREATE INDEX audit_by_run ON audit (run_id, seq) WHERE run_id IS NOT NULL;
  `,
  `
  ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
  CREATE INDEX runs_by_device ON runs (device_id, thread_id);
  `,
  `
  ALTER TABLE link_codes ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
  `,
  `
  ALTER TABLE runs ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
  `,
  `
  -- Asked each second: whether an earlier run of a thread is unfinished, and a device's runs by their status.
  -- completed_at is always NULL in them, and there so that the answer needs no row, which may be megabytes.
  CREATE INDEX runs_unfinished_by_thread ON runs (thread_id, seq, completed_at) WHERE completed_at IS NULL;
  CREATE INDEX runs_unfinished_by_status ON runs (device_id, status, seq, completed_at) WHERE completed_at IS NULL;
  `,
];
