import { z } from 'zod';
import { isoTime } from '../../../kit/clock.ts';
import { RunmeshError } from '../../../kit/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { paging } from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { createKey, type KeyRow, listKeys, revokeKey } from '../../store/keys.ts';
import { ok, page, readBefore, readLimit } from '../reply.ts';
import { keyedRoute, type Route } from '../route.ts';
import { SCOPES } from '../scopes.ts';

const newKey = z.object({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(SCOPES)).min(1),
  /** Milliseconds the key lives; left out, until it is revoked. */
  expiresInMs: z.int().min(1).optional(),
});

/** API keys beside the owner's first one: for callers that need less, or for a while. */
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
        const owner = { orgId: key.orgId, userId: key.userId };
        return ok(createKey(store, random, { ...owner, name, scopes, expiresAt }, now), 201);
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/api-keys',
      scope: '*',
      summary: 'Lists API keys, newest first, without the keys themselves.',
      query: paging,
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.threadsPerPage);
        const rows = listKeys(store, key.orgId, readBefore(query), limit + 1);
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
      handle: ({ key, param }) => {
        const id = param('keyId');
        if (!revokeKey(store, key.orgId, id, clock.now())) {
          throw new RunmeshError('not_found', `There is no API key ${id}.`);
        }
        services.live.cut([id]);
        return ok({ id, revoked: true });
      },
    }),
  ];
}

function show(key: KeyRow): Record<string, unknown> {
  return {
    id: key.id,
    name: key.name,
    deviceId: key.deviceId,
    scopes: JSON.parse(key.scopes),
    createdAt: isoTime(key.createdAt),
    expiresAt: key.expiresAt === null ? null : isoTime(key.expiresAt),
    revokedAt: key.revokedAt === null ? null : isoTime(key.revokedAt),
  };
}
