import type { Store } from './store.ts';

/**
 * A link code's life: `pending` until the owner approves or denies it; `approved` until the device's next poll takes
 * its key, then `used`; `dead` after too many wrong signatures.
 */
export type LinkState = 'pending' | 'approved' | 'denied' | 'used' | 'dead';

export interface LinkRow {
  code: string;
  publicKey: string;
  label: string;
  os: string;
  hostname: string;
  appVersion: string;
  /** `LinkMetadata` as JSON. */
  metadata: string;
  /** The address `link/start` came from. */
  address: string;
  state: LinkState;
  wrongSignatures: number;
  deviceId: string | null;
  createdAt: number;
  expiresAt: number;
}

type NewLink = Omit<LinkRow, 'state' | 'wrongSignatures' | 'deviceId'>;

export function insertLink(store: Store, link: NewLink): void {
  store.run(
    `INSERT INTO link_codes (code, public_key, label, os, hostname, app_version, metadata, address, state, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
    link.code,
    link.publicKey,
    link.label,
    link.os,
    link.hostname,
    link.appVersion,
    link.metadata,
    link.address,
    link.createdAt,
    link.expiresAt,
  );
}

export function findLink(store: Store, code: string): LinkRow | undefined {
  return store.get<LinkRow>(
    `SELECT code, public_key AS publicKey, label, os, hostname, app_version AS appVersion, metadata, address, state,
       wrong_signatures AS wrongSignatures, device_id AS deviceId, created_at AS createdAt, expires_at AS expiresAt
     FROM link_codes WHERE code = ?`,
    code,
  );
}

/** Where each device that waits to be approved asked from. */
export function pendingAddresses(store: Store, now: number): string[] {
  const rows = store.all<{ address: string }>(
    "SELECT address FROM link_codes WHERE state = 'pending' AND expires_at > ?",
    now,
  );
  return rows.map(({ address }) => address);
}

export function setLinkState(
  store: Store,
  code: string,
  state: LinkState,
  deviceId: string | null = null,
): void {
  store.run(
    'UPDATE link_codes SET state = ?, device_id = coalesce(?, device_id) WHERE code = ?',
    state,
    deviceId,
    code,
  );
}

/** Counts a poll with a wrong signature; the one that reaches `limit` kills the code. */
export function countWrongSignature(store: Store, code: string, limit: number): void {
  store.run('UPDATE link_codes SET wrong_signatures = wrong_signatures + 1 WHERE code = ?', code);
  store.run("UPDATE link_codes SET state = 'dead' WHERE code = ? AND wrong_signatures >= ?", code, limit);
}

/** Codes are kept a while after they expired, so that a late poll is told so. */
export function dropOldLinks(store: Store, expiredBefore: number): void {
  store.run('DELETE FROM link_codes WHERE expires_at < ?', expiredBefore);
}
