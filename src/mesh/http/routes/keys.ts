import { z } from 'zod';
import { isoTime } from '../../../kit/clock.ts';
import { RunmeshError } from '../../../kit/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { paging } from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { createKey, type KeyRow, listKeys, revokeKey } from '../../store/keys.ts';
import { LOCAL_ORG, ownerOf } from '../../store/owner-key.ts';
import { ok, page, readBefore, readLimit } from '../reply.ts';
import { keyedRoute, type Route } from '../route.ts';
import { SCOPES } from '../scopes.ts';

const orgId = z.string().regex(/^org_[a-z0-9][a-z0-9_-]{0,40}$/, 'org_ and small letters, digits, - and _');
const newKey = z.object({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Milliseconds the key lives; left out, until it is revoked. */
  expiresInMs: z.int().min(1).optional(),
  orgId: orgId.optional(),
});
const ofOrg = z.object({ orgId: orgId.optional() });

/** API keys beside the owner's first one: for callers that need less, for a while, or for another organisation. */
export function keyRoutes(services: MeshServices): Route[] {
  const { store, random, clock } = services;
  return [
    keyedRoute({
      method: 'post',
      path: '/v1/api-keys',
      scope: '*',
      summary: 'Makes an API key. The key is in this answer and never shown again.',
      body: newKey,
      handle: ({ key, body }) => {
        const { name, scopes, expiresInMs } = body;
        const now = clock.now();
        const expiresAt = expiresInMs === undefined ? null : now + expiresInMs;
        const org = orgFor(key, body.orgId);
        const owner = { orgId: org, userId: org === key.orgId ? key.userId : ownerOf(org) };
        return ok(createKey(store, random, { ...owner, name, scopes, expiresAt }, now), 201);
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/api-keys',
      scope: '*',
      summary: 'Lists API keys, newest first, without the keys themselves.',
      query: paging.extend(ofOrg.shape),
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.threadsPerPage);
        const rows = listKeys(store, orgFor(key, query.orgId), readBefore(query), limit + 1);
        return page(
          rows,
          limit,
          ({ seq }) => seq,
          (shown) => shown.map(show),
        );
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/api-keys/:keyId/revoke',
      scope: '*',
      summary: 'Revokes an API key; what it streams is cut.',
      query: ofOrg,
      handle: ({ key, query, param }) => {
        const id = param('keyId');
        if (!revokeKey(store, orgFor(key, query.orgId), id, clock.now())) {
          throw new RunmeshError('not_found', `There is no API key ${id}.`);
        }
        services.held.cut([id]);
        return ok({ id, revoked: true });
      },
    }),
  ];
}

/** The host of a mesh lets other organisations in by making their first key; an organisation keeps to itself. */
function orgFor(key: KeyRow, asked: string | undefined): string {
  if (asked === undefined || asked === key.orgId) return key.orgId;
  if (key.orgId === LOCAL_ORG) return asked;
  throw new RunmeshError('forbidden', 'Only the host of this mesh makes keys for another organisation.');
}

function show(key: KeyRow): Record<string, unknown> {
  return {
    id: key.id,
    name: key.name,
    deviceId: key.deviceId,
    scopes: JSON.parse(key.scopes),
    createdAt: isoTime(key.createdAt),
    expiresAt: key.expiresAt === null ? null : isoTime(key.expiresAt),
    lastUsedAt: key.lastUsedAt === null ? null : isoTime(key.lastUsedAt),
    revokedAt: key.revokedAt === null ? null : isoTime(key.revokedAt),
  };
}
