import { createHash } from 'node:crypto';
import { type Clock, isoTime } from '../../kit/clock.ts';
import type { Random } from '../../kit/random.ts';
import { setAsideDatabase } from '../../kit/set-aside.ts';
import { type Database, openDatabase } from '../../kit/sqlite.ts';
import { diskFull, isDamage, isDiskFull } from '../../kit/storage-failure.ts';
import {
  type AuditRecord,
  type AuditType,
  auditText,
  NO_AUDIT_HASH,
  type RecordAudit,
} from '../../protocol/audit.ts';
import { auditMigrations } from './schema.ts';

/**
 * What was done on this device, in a file of its own that outlives a damaged journal. Rows are added and never changed, and
 * each one's hash covers all before it. Several processes write it: the daemon, and commands that link or configure.
 */
export interface Audit {
  readonly db: Database;
  record: RecordAudit;
  close(): void;
}

export interface OpenAuditOptions {
  path: string;
  clock: Clock;
  random: Random;
  /** Takes secrets out of a text. */
  mask?: (text: string) => string;
}

/** A file that cannot be read is moved aside, and another begun that says so. */
export function openAudit(options: OpenAuditOptions): Audit {
  try {
    return begin(options, {});
  } catch (error) {
    if (!isDamage(error)) throw error;
    const setAside = setAsideDatabase(options.path, options.clock.now());
    return begin(options, { setAside });
  }
}

/** The hash of a record that follows the one with `previousHash`. */
export function hashOf(previousHash: string, record: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256').update(auditText(previousHash, record)).digest('hex');
}

/** The newest row's number and hash. */
export function lastOf(db: Database): Last {
  return (db.prepare(LAST).get() as Last | undefined) ?? FIRST;
}

/** Begins another epoch in the same file: for another account, or since the mesh’s copy of the old one does not fit. */
export function beginEpoch(audit: Audit, random: Random, detail: AuditRecord['detail']): void {
  audit.db.transaction(() => {
    audit.db.prepare("UPDATE meta SET value = ? WHERE name = 'epoch'").run(random.uuid());
    audit.record('audit_begun', detail);
  });
}

function begin(options: OpenAuditOptions, detail: AuditRecord['detail']): Audit {
  const { path, clock, random, mask = (text) => text } = options;
  const db = openDatabase({ path, migrations: auditMigrations });
  const insert = db.prepare(INSERT);
  const last = db.prepare(LAST);
  const record: RecordAudit = (type, given, runId) => {
    const detail = maskTexts(given, mask) as AuditRecord['detail'];
    try {
      db.transaction(
        () => {
          const before = (last.get() as Last | undefined) ?? FIRST;
          const row = { n: before.n + 1, at: isoTime(clock.now()), type, runId: runId ?? null, detail };
          const hash = hashOf(before.hash, row);
          insert.run(row.n, epochOf(db), row.at, type, row.runId, JSON.stringify(detail), hash);
        },
        IS_OF_THE_PAST.has(type) ? 'unsynced' : 'synced',
      );
    } catch (error) {
      throw isDiskFull(error) ? diskFull(error) : error;
    }
  };
  db.transaction(() => {
    if (db.prepare("SELECT 1 FROM meta WHERE name = 'epoch'").get() !== undefined) return;
    db.prepare("INSERT INTO meta (name, value) VALUES ('epoch', ?)").run(random.uuid());
    record('audit_begun', detail);
  });
  return { db, record, close: () => db.close() };
}

/** Each text by itself: as a part of JSON a secret with a quote in it would be written another way. */
function maskTexts(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return value.map((item) => maskTexts(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, maskTexts(item, mask)]));
}

export function epochOf(db: Database): string {
  return (db.prepare("SELECT value FROM meta WHERE name = 'epoch'").get() as { value: string }).value;
}

/**
 * What was done already, under a record that is on disk: it waits for the next synced one. All else is about to happen, and must
 * not have happened without its record, whatever becomes of the power.
 */
const IS_OF_THE_PAST: ReadonlySet<AuditType> = new Set(['file_change', 'run_ended', 'network_denied']);

interface Last {
  n: number;
  hash: string;
}

const FIRST: Last = { n: 0, hash: NO_AUDIT_HASH };
const LAST = 'SELECT n, hash FROM records ORDER BY n DESC LIMIT 1';
const INSERT = 'INSERT INTO records (n, epoch, at, type, run_id, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)';
