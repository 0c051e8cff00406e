import { isoTime } from '../../kit/clock.ts';
import { type AuditRecord, NO_AUDIT_HASH } from '../../protocol/audit.ts';
import { type Audit, epochOf } from './audit.ts';

export interface AuditQuery {
  runId?: string;
  /** Epoch milliseconds. */
  since?: number;
  limit: number;
}

/** The newest records that fit, oldest first. */
export function readAudit({ db }: Audit, { runId, since, limit }: AuditQuery): AuditRecord[] {
  const from = since === undefined ? '' : isoTime(since);
  const rows = db
    .prepare(`SELECT * FROM records WHERE (?1 IS NULL OR run_id = ?1) AND at >= ?2 ORDER BY n DESC LIMIT ?3`)
    .all(runId ?? null, from, limit);
  return (rows as AuditFileRow[]).map(recordOf).reverse();
}

/** Records of the present epoch that the mesh has not acknowledged, and the hash before the first of them. */
export function readUnsent(
  { db }: Audit,
  limit: number,
): { epoch: string; previousHash: string; records: AuditRecord[] } | undefined {
  const epoch = epochOf(db);
  const sent = db.prepare('SELECT n FROM mirrored WHERE epoch = ?').get(epoch) as { n: number } | undefined;
  const rows = db
    .prepare('SELECT * FROM records WHERE epoch = ? AND n > ? ORDER BY n LIMIT ?')
    .all(epoch, sent?.n ?? 0, limit) as AuditFileRow[];
  const first = rows[0];
  if (first === undefined) return undefined;
  const before = db.prepare('SELECT hash FROM records WHERE n < ? ORDER BY n DESC LIMIT 1').get(first.n);
  const previousHash = (before as { hash: string } | undefined)?.hash ?? NO_AUDIT_HASH;
  return { epoch, previousHash, records: rows.map(recordOf) };
}

/** Commits how far the mesh has an epoch. */
export function recordMirrored({ db }: Audit, epoch: string, n: number): void {
  db.prepare(
    'INSERT INTO mirrored (epoch, n) VALUES (?, ?) ON CONFLICT (epoch) DO UPDATE SET n = max(n, excluded.n)',
  ).run(epoch, n);
}

/** How far the mesh has the present epoch; 0 where it has nothing. */
export function mirroredUntil({ db }: Audit): number {
  const row = db.prepare('SELECT n FROM mirrored WHERE epoch = ?').get(epochOf(db));
  return (row as { n: number } | undefined)?.n ?? 0;
}

/** A row of the file. */
export interface AuditFileRow {
  n: number;
  epoch: string;
  at: string;
  type: string;
  run_id: string | null;
  detail: string;
  hash: string;
}

export function recordOf({ n, at, type, run_id, detail, hash }: AuditFileRow): AuditRecord {
  return { n, at, type, runId: run_id, detail: JSON.parse(detail) as AuditRecord['detail'], hash };
}
