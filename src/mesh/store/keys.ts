import { createHash } from 'node:crypto';
import { prefixedId, type Random, randomText } from '../../kit/random.ts';
import type { Store } from './store.ts';

/** An API key as it is stored: never the key, only its hash. */
export interface KeyRow {
  id: string;
  orgId: string;
  userId: string;
  /** The device this key belongs to; `null` for a person's. */
  deviceId: string | null;
  hash: string;
  name: string;
  /** A JSON list of scopes. */
  scopes: string;
  createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  /** To the minute. */
  lastUsedAt: number | null;
  seq: number;
}

export interface NewKey {
  orgId: string;
  userId: string;
  deviceId?: string;
  name: string;
  scopes: readonly string[];
  expiresAt?: number | null;
}

/** Makes a key and stores its hash; the key itself is in the answer and nowhere else. */
export function createKey(
  store: Store,
  random: Random,
  key: NewKey,
  now: number,
): { id: string; apiKey: string } {
  const apiKey = newApiKey(random);
  return { id: insertKey(store, random, apiKey, key, now), apiKey };
}

export function newApiKey(random: Random): string {
  return `rt_test_${randomText(random, KEY_LENGTH, ALPHANUMERIC)}`;
}

export function hasKeyForm(text: string): boolean {
  return /^rt_(test|live)_[A-Za-z0-9]{32}$/.test(text);
}

export function insertKey(store: Store, random: Random, apiKey: string, key: NewKey, now: number): string {
  const id = prefixedId(random, 'key');
  store.run(
    `INSERT INTO api_keys (id, org_id, user_id, device_id, hash, name, scopes, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    key.orgId,
    key.userId,
    key.deviceId ?? null,
    hashOf(apiKey),
    key.name,
    JSON.stringify(key.scopes),
    now,
    key.expiresAt ?? null,
  );
  return id;
}

/**
 * The stored key that `apiKey` is, whatever its state; `undefined` when it has not the form of a key either. It is looked
 * up by the SHA-256 of what was given: the time that takes may tell something of a stored hash's beginning, and who
 * could use that would have to find keys by their hash.
 */
export function findKey(store: Store, apiKey: string): KeyRow | undefined {
  if (!hasKeyForm(apiKey)) return undefined;
  return store.get<KeyRow>(`SELECT ${COLUMNS} FROM api_keys WHERE hash = ?`, hashOf(apiKey));
}

export function isKeyAlive(store: Store, id: string, now: number): boolean {
  const alive =
    'SELECT 1 FROM api_keys WHERE id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)';
  return store.get(alive, id, now) !== undefined;
}

/** Notes that the key was used, once a minute at most: each note is a synced write. */
export function recordKeyUse(store: Store, key: KeyRow, now: number): void {
  if (key.lastUsedAt !== null && Math.abs(now - key.lastUsedAt) < USE_MS) return;
  store.run('UPDATE api_keys SET last_used_at = ? WHERE id = ?', now, key.id);
}

export function listKeys(store: Store, orgId: string, before: number, limit: number): KeyRow[] {
  return store.all<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys WHERE org_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
    orgId,
    before,
    limit,
  );
}

export function revokeKey(store: Store, orgId: string, id: string, now: number): boolean {
  return (
    store.run(
      'UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE org_id = ? AND id = ?',
      now,
      orgId,
      id,
    ) > 0
  );
}

/** Revokes every key of a device and names them. */
export function revokeDeviceKeys(store: Store, deviceId: string, now: number): string[] {
  const keys = store.all<{ id: string }>(
    'UPDATE api_keys SET revoked_at = ? WHERE device_id = ? AND revoked_at IS NULL RETURNING id',
    now,
    deviceId,
  );
  return keys.map(({ id }) => id);
}

function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}

const COLUMNS = `seq, id, org_id AS orgId, user_id AS userId, device_id AS deviceId, hash, name, scopes,
  created_at AS createdAt, expires_at AS expiresAt, revoked_at AS revokedAt, last_used_at AS lastUsedAt`;
const USE_MS = 60_000;
const KEY_LENGTH = 32;
const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
