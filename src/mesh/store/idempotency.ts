import type { Store } from './store.ts';

export interface IdempotencyRow {
  bodyHash: string;
  runId: string;
}

export function findIdempotency(
  store: Store,
  orgId: string,
  key: string,
  notBefore: number,
): IdempotencyRow | undefined {
  return store.get<IdempotencyRow>(
    `SELECT body_hash AS bodyHash, run_id AS runId FROM idempotency_keys
     WHERE org_id = ? AND key = ? AND created_at >= ?`,
    orgId,
    key,
    notBefore,
  );
}

export function saveIdempotency(
  store: Store,
  row: { orgId: string; key: string; bodyHash: string; runId: string },
  now: number,
): void {
  store.run(
    'INSERT OR REPLACE INTO idempotency_keys (org_id, key, body_hash, run_id, created_at) VALUES (?, ?, ?, ?, ?)',
    row.orgId,
    row.key,
    row.bodyHash,
    row.runId,
    now,
  );
}

export function dropOldIdempotency(store: Store, before: number): void {
  store.run('DELETE FROM idempotency_keys WHERE created_at < ?', before);
}
