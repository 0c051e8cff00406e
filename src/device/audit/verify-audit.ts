import { NO_AUDIT_HASH } from '../../protocol/audit.ts';
import { type Audit, hashOf } from './audit.ts';
import { type AuditFileRow, mirroredUntil, recordOf } from './read-audit.ts';

export type AuditVerdict =
  | { intact: true; records: number; mirrored: number }
  /** `n` is the first record that does not fit what is before it. */
  | { intact: false; n: number; why: 'missing' | 'changed' | 'cut' };

/**
 * Reads the whole record and looks for the first that does not fit. It shows a row that was changed, taken out, put in or
 * moved, and an end that was cut off behind what the mesh acknowledged. What it cannot show by itself: rows at the end
 * that the mesh never had, and a file that was written anew from a changed row to its end; the mesh's copy shows both.
 */
export function verifyAudit(audit: Audit): AuditVerdict {
  let previous = NO_AUDIT_HASH;
  let n = 0;
  for (const row of audit.db.prepare('SELECT * FROM records ORDER BY n').iterate()) {
    n += 1;
    const record = readable(row as unknown as AuditFileRow);
    if (record === undefined) return { intact: false, n, why: 'changed' };
    if (record.n !== n) return { intact: false, n, why: 'missing' };
    if (record.hash !== hashOf(previous, record)) return { intact: false, n, why: 'changed' };
    previous = record.hash;
  }
  const mirrored = mirroredUntil(audit);
  if (mirrored > n) return { intact: false, n: n + 1, why: 'cut' };
  return { intact: true, records: n, mirrored };
}

function readable(row: AuditFileRow) {
  try {
    return recordOf(row);
  } catch {
    return undefined;
  }
}
