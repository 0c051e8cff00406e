import { RunmeshError } from '../../kit/errors.ts';
import type { MeshCore } from '../context.ts';
import { findKey, type KeyRow } from '../store/keys.ts';

/**
 * What a route may ask of a key. `*` grants all, and `agent:*` every scope that begins so but `agent:approve`: who may start
 * runs does not by that decide what they may do.
 */
export const SCOPES = [
  '*',
  'agent:*',
  'agent:run',
  'agent:read',
  'agent:approve',
  'runmesh:read',
  'runmesh:write',
] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * The key of a request, from `Authorization: Bearer` or `X-API-Key`. Throws `unauthorized` where there is none,
 * `invalid_token` for an unknown or revoked one, `token_expired`.
 */
export function authenticate(core: MeshCore, header: (name: string) => string | undefined): KeyRow {
  const bearer = /^Bearer +(.+)$/i.exec(header('authorization') ?? '')?.[1];
  const given = bearer ?? header('x-api-key');
  if (given === undefined) {
    throw new RunmeshError(
      'unauthorized',
      'Give an API key: `Authorization: Bearer rt_…` or `X-API-Key: rt_…`.',
    );
  }
  const key = findKey(core.store, given);
  if (key === undefined || key.revokedAt !== null) {
    throw new RunmeshError('invalid_token', 'This API key is unknown here or was revoked.');
  }
  if (key.expiresAt !== null && key.expiresAt <= core.clock.now()) {
    throw new RunmeshError('token_expired', 'This API key has expired.');
  }
  return key;
}

/** Throws `forbidden` where the key does not grant `scope`. */
export function requireScope(key: KeyRow, scope: Scope): void {
  const granted: unknown = JSON.parse(key.scopes);
  if (Array.isArray(granted) && granted.some((one) => grants(String(one), scope))) return;
  throw new RunmeshError('forbidden', `This API key lacks the scope ${scope}.`);
}

/** A device's own key reaches what is that device's, in its organisation; any other key whatever is in its own. */
export function reaches(key: KeyRow, owner: { orgId: string; deviceId: string | null }): boolean {
  return key.orgId === owner.orgId && (key.deviceId === null || key.deviceId === owner.deviceId);
}

function grants(granted: string, scope: Scope): boolean {
  if (granted === '*' || granted === scope) return true;
  return scope !== 'agent:approve' && granted.endsWith(':*') && scope.startsWith(granted.slice(0, -1));
}
