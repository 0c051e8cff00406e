import { z } from 'zod';

/** The device's own account of what was done on it, as it travels to the mesh. Ours. */

/** What a record is about. Open on the wire, so that an older mesh keeps what a newer device says. */
export const AUDIT_TYPES = {
  audit_begun: 'a record was begun: the first, or after one that was lost or did not fit the mesh’s',
  link: 'the device was linked to an account',
  unlink: 'the device was unlinked',
  config: 'the owner changed a setting',
  config_edited: 'the config file is not as the last command left it: somebody edited it',
  run_accepted: 'a run was taken',
  run_ended: 'a run ended',
  command: 'a command is about to run',
  tool: 'another call that may change something is about to run',
  file_change: 'a tool changed a file',
  approval_requested: 'the owner was asked',
  approval_resolved: 'the owner answered, or time ran out',
  network_denied: 'a connection was refused',
} as const;
export type AuditType = keyof typeof AUDIT_TYPES;

/**
 * Writes down that something is about to be done, or was: the former is on disk when this returns. Throws `disk_full`, and then
 * the thing is not done.
 */
export type RecordAudit = (
  type: AuditType,
  detail: Record<string, z.core.util.JSONType>,
  runId?: string,
) => void;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');

export const auditRecord = z.object({
  /** 1, 2, 3 … on the device, never used twice. */
  n: z.int().min(1),
  /** ISO 8601, by the device's clock. */
  at: z.string().max(40),
  type: z.string().min(1).max(100),
  runId: z.string().max(100).nullable(),
  detail: z.record(z.string(), z.json()),
  hash,
});
export type AuditRecord = z.infer<typeof auditRecord>;

/** The body of `POST /v1/runmesh/audit`, by the device's own key. */
export const auditAppend = z.object({
  /** Made with the device's file; another one means that a file was begun anew. */
  epoch: z.string().min(1).max(100),
  /** The hash of the record before the first of these. */
  previousHash: hash,
  records: z.array(auditRecord).min(1).max(500),
});
export type AuditAppend = z.infer<typeof auditAppend>;

/** The last `n` that the mesh has of this epoch, synced. */
export const auditAppendAnswer = z.object({ acked: z.int().nonnegative() });

/** A row of `GET /v1/runmesh/audit`, newest first. */
export const auditRow = auditRecord.extend({
  deviceId: z.string(),
  epoch: z.string(),
  receivedAt: z.string(),
});
export type AuditRow = z.infer<typeof auditRow>;

/** What a record's hash is the SHA-256 of: so each holds all before it. */
export function auditText(
  previousHash: string,
  { n, at, type, runId, detail }: Omit<AuditRecord, 'hash'>,
): string {
  return JSON.stringify([previousHash, n, at, type, runId, detail]);
}

/** Stands where the first record's previous hash would. */
export const NO_AUDIT_HASH = '0'.repeat(64);
