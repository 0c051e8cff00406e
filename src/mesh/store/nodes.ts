import { isoTime } from '../../kit/clock.ts';
import { fingerprintOf } from '../../kit/fingerprint.ts';
import type { Node } from '../../protocol/nodes.ts';
import type { Store } from './store.ts';

export interface NodeRow {
  seq: number;
  id: string;
  orgId: string;
  label: string;
  os: string;
  hostname: string;
  appVersion: string;
  /** Raw Ed25519 public key, base64url. */
  publicKey: string;
  capabilities: string | null;
  lastHeardAt: number | null;
  createdAt: number;
  revokedAt: number | null;
  deletedAt: number | null;
}

export type NewNode = Pick<
  NodeRow,
  'id' | 'orgId' | 'label' | 'os' | 'hostname' | 'appVersion' | 'publicKey'
>;

export function insertNode(store: Store, node: NewNode, now: number): void {
  store.run(
    `INSERT INTO nodes (id, org_id, label, os, hostname, app_version, public_key, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    node.id,
    node.orgId,
    node.label,
    node.os,
    node.hostname,
    node.appVersion,
    node.publicKey,
    now,
  );
}

export function findNode(store: Store, id: string): NodeRow | undefined {
  return store.get<NodeRow>(`SELECT ${COLUMNS} FROM nodes WHERE id = ?`, id);
}

/** The unrevoked node of this organisation with this key: a device that links again stays who it was. */
export function findNodeByKey(store: Store, orgId: string, publicKey: string): NodeRow | undefined {
  return store.get<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes WHERE org_id = ? AND public_key = ? AND revoked_at IS NULL`,
    orgId,
    publicKey,
  );
}

export function listNodes(store: Store, orgId: string, before: number, limit: number): NodeRow[] {
  return store.all<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes WHERE org_id = ? AND deleted_at IS NULL AND seq < ? ORDER BY seq DESC LIMIT ?`,
    orgId,
    before,
    limit,
  );
}

export function renameNode(store: Store, id: string, label: string): void {
  store.run('UPDATE nodes SET label = ? WHERE id = ?', label, id);
}

export function markNodeRevoked(store: Store, id: string, now: number): void {
  store.run('UPDATE nodes SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?', now, id);
}

export function markNodeDeleted(store: Store, id: string, now: number): void {
  store.run('UPDATE nodes SET deleted_at = coalesce(deleted_at, ?) WHERE id = ?', now, id);
}

export function recordLink(store: Store, node: Omit<NewNode, 'publicKey' | 'orgId'>): void {
  store.run(
    'UPDATE nodes SET label = ?, os = ?, hostname = ?, app_version = ? WHERE id = ?',
    node.label,
    node.os,
    node.hostname,
    node.appVersion,
    node.id,
  );
}

/** A device whose key was lost goes on with a new one: what is known of it stays. */
export function replaceNodeKey(store: Store, id: string, publicKey: string): void {
  store.run('UPDATE nodes SET public_key = ? WHERE id = ?', publicKey, id);
}

export function recordHello(
  store: Store,
  id: string,
  hello: { os: string; hostname: string; agentVersion: string; capabilities: unknown },
  now: number,
): void {
  store.run(
    'UPDATE nodes SET os = ?, hostname = ?, app_version = ?, capabilities = ?, last_heard_at = ? WHERE id = ?',
    hello.os,
    hello.hostname,
    hello.agentVersion,
    JSON.stringify(hello.capabilities),
    now,
    id,
  );
}

/** What a connected device can do now. */
export function recordCapabilities(store: Store, id: string, capabilities: unknown): void {
  store.run('UPDATE nodes SET capabilities = ? WHERE id = ?', JSON.stringify(capabilities), id);
}

export function recordHeard(store: Store, id: string, now: number): void {
  store.run('UPDATE nodes SET last_heard_at = ? WHERE id = ?', now, id);
}

/** A row as the API shows it. `presence` is what the hub knows of the device now. */
export function toNode(row: NodeRow, presence: { status: Node['status']; lastHeardAt: number | null }): Node {
  const heard = Math.max(row.lastHeardAt ?? 0, presence.lastHeardAt ?? 0);
  return {
    id: row.id,
    orgId: row.orgId,
    type: 'mac',
    label: row.label,
    os: row.os,
    hostname: row.hostname,
    appVersion: row.appVersion,
    keyFingerprint: fingerprintOf(row.publicKey),
    status: row.revokedAt === null ? presence.status : 'revoked',
    lastHeardAt: heard === 0 ? null : isoTime(heard),
    createdAt: isoTime(row.createdAt),
    revokedAt: row.revokedAt === null ? null : isoTime(row.revokedAt),
    capabilities: row.capabilities === null ? null : (JSON.parse(row.capabilities) as Node['capabilities']),
  };
}

const COLUMNS = `seq, id, org_id AS orgId, label, os, hostname, app_version AS appVersion, public_key AS publicKey,
  capabilities, last_heard_at AS lastHeardAt, created_at AS createdAt, revoked_at AS revokedAt, deleted_at AS deletedAt`;
