import { z } from 'zod';
import { isoTime } from '../../../kit/clock.ts';
import { RunmeshError } from '../../../kit/errors.ts';
import { type AuditRow, auditAppend, auditAppendAnswer, auditRow } from '../../../protocol/audit.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { paging } from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { type AuditStoreRow, appendAudit, listAudit } from '../../store/audit.ts';
import { ok, page, readBefore, readLimit } from '../reply.ts';
import { keyedRoute, type Route } from '../route.ts';

/** The mesh's copy of what was done on devices. */
export function auditRoutes({ store, clock, log }: MeshServices): Route[] {
  return [
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/audit',
      scope: 'runmesh:read',
      summary: 'Lists what was done on the devices of the organisation, newest first.',
      query: auditQuery,
      answer: z.array(auditRow),
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.eventsPerPage);
        const rows = listAudit(store, key.orgId, query, readBefore(query), limit + 1);
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
      path: '/v1/runmesh/audit',
      scope: 'agent:run',
      summary: 'Appends records of a device, by the device’s own key.',
      body: auditAppend,
      answer: auditAppendAnswer,
      handle: ({ key, body }) => {
        const { orgId, deviceId } = key;
        if (deviceId === null)
          throw new RunmeshError('forbidden', 'Only a device writes its audit, with its own key.');
        try {
          return ok({ acked: appendAudit(store, { orgId, deviceId }, body, clock.now()) });
        } catch (error) {
          log.warn({ deviceId, epoch: body.epoch }, 'audit records were refused');
          throw error;
        }
      },
    }),
  ];
}

const auditQuery = paging.extend({
  deviceId: z.string().max(100).optional(),
  runId: z.string().max(100).optional(),
  type: z.string().max(100).optional(),
});

function show({ seq: _, detail, receivedAt, ...row }: AuditStoreRow): AuditRow {
  return { ...row, detail: JSON.parse(detail) as AuditRow['detail'], receivedAt: isoTime(receivedAt) };
}
