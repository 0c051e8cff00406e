import { createHash } from 'node:crypto';
import { RunmeshError } from '../../kit/errors.ts';
import { type AuditAppend, type AuditRecord, auditText } from '../../protocol/audit.ts';
import type { Store } from './store.ts';

export interface AuditStoreRow extends Omit<AuditRecord, 'detail'> {
  seq: number;
  deviceId: string;
  epoch: string;
  /** JSON. */
  detail: string;
  receivedAt: number;
}

/**
 * Appends a device's records, in one synced transaction, and answers the last number that is stored of their epoch. A
 * repeat is passed over; a record that does not follow the one before it is refused with `sequence_conflict`, and nothing
 * stored is ever replaced. An epoch may begin at any number: what was before it belongs to another account.
 */
export function appendAudit(
  store: Store,
  device: { orgId: string; deviceId: string },
  { epoch, previousHash, records }: AuditAppend,
  now: number,
): number {
  return store.transaction(() => {
    let last = lastRecord(store, device.deviceId, epoch);
    let before = previousHash;
    for (const record of records) {
      if (record.hash !== hashOf(before, record))
        throw conflict(record.n, 'its hash does not fit what is before it');
      before = record.hash;
      if (last !== undefined && record.n <= last.n) {
        checkRepeat(store, device.deviceId, epoch, record);
        continue;
      }
      if (last !== undefined && record.n !== last.n + 1)
        throw conflict(record.n, `the last record here is ${last.n}`);
      if (last !== undefined && hashOf(last.hash, record) !== record.hash) {
        throw conflict(record.n, 'it does not follow the record before it here');
      }
      insert(store, device, epoch, record, now);
      last = record;
    }
    return last?.n ?? 0;
  });
}

/** Newest first. `before` is the `seq` of the last row of the page before. */
export function listAudit(
  store: Store,
  orgId: string,
  {
    deviceId,
    runId,
    type,
  }: { deviceId?: string | undefined; runId?: string | undefined; type?: string | undefined },
  before: number,
  limit: number,
): AuditStoreRow[] {
  return store.all<AuditStoreRow>(
    `SELECT seq, device_id AS deviceId, epoch, n, at, type, run_id AS runId, detail, hash, received_at AS receivedAt
     FROM audit
     WHERE org_id = ?1 AND seq < ?2 AND (?3 IS NULL OR device_id = ?3) AND (?4 IS NULL OR run_id = ?4)
       AND (?5 IS NULL OR type = ?5)
     ORDER BY seq DESC LIMIT ?6`,
    orgId,
    before,
    deviceId ?? null,
    runId ?? null,
    type ?? null,
    limit,
  );
}

function lastRecord(store: Store, deviceId: string, epoch: string): { n: number; hash: string } | undefined {
  return store.get(
    'SELECT n, hash FROM audit WHERE device_id = ? AND epoch = ? ORDER BY n DESC LIMIT 1',
    deviceId,
    epoch,
  );
}

function checkRepeat(store: Store, deviceId: string, epoch: string, { n, hash }: AuditRecord): void {
  const stored = store.get<{ hash: string }>(
    'SELECT hash FROM audit WHERE device_id = ? AND epoch = ? AND n = ?',
    deviceId,
    epoch,
    n,
  );
  if (stored?.hash !== hash) throw conflict(n, 'another one is stored under its number');
}

function insert(
  store: Store,
  { orgId, deviceId }: { orgId: string; deviceId: string },
  epoch: string,
  { n, at, type, runId, detail, hash }: AuditRecord,
  now: number,
): void {
  store.run(
    `INSERT INTO audit (org_id, device_id, epoch, n, at, type, run_id, detail, hash, received_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    orgId,
    deviceId,
    epoch,
    n,
    at,
    type,
    runId,
    JSON.stringify(detail),
    hash,
    now,
  );
}

function hashOf(previousHash: string, record: AuditRecord): string {
  return createHash('sha256').update(auditText(previousHash, record)).digest('hex');
}

function conflict(n: number, why: string): RunmeshError {
  return new RunmeshError('sequence_conflict', `Audit record ${n} is refused: ${why}.`);
}
