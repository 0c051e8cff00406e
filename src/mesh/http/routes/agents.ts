import { z } from 'zod';
import { RunmeshError } from '../../../kit/errors.ts';
import {
  type AgentUpsertAnswer,
  agentDefinition,
  agentUpsert,
  agentUpsertAnswer,
} from '../../../protocol/agents.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { paging } from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { findAgent, listAgents, upsertAgent } from '../../store/agents.ts';
import { findNode } from '../../store/nodes.ts';
import { ok, page, readBefore, readLimit } from '../reply.ts';
import { keyedRoute, type Route } from '../route.ts';

export function agentRoutes(services: MeshServices): Route[] {
  const { store, random, origins } = services;
  return [
    keyedRoute({
      method: 'post',
      path: '/v1/agents',
      scope: 'agent:*',
      summary: 'Creates the agent of this slug, or replaces it.',
      body: agentUpsert,
      answer: agentUpsertAnswer,
      handle: ({ key, body }) => {
        if (body.targetDeviceId !== undefined) checkTarget(services, key.orgId, body.targetDeviceId);
        const { action, agent } = upsertAgent(store, random, key.orgId, body);
        const answer: AgentUpsertAnswer = {
          id: agent.id,
          slug: agent.slug,
          action,
          version: agent.version,
          sandboxId: null,
          targetDeviceId: agent.targetDeviceId ?? null,
          endpoint: `${origins[0]}/v1/agents/${agent.slug}/run`,
        };
        return ok(answer, action === 'created' ? 201 : 200);
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/agents',
      scope: 'agent:read',
      summary: 'Lists agents, newest first.',
      query: paging,
      answer: z.array(agentDefinition),
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.threadsPerPage);
        const rows = listAgents(store, key, readBefore(query), limit + 1);
        return page(
          rows,
          limit,
          ({ seq }) => seq,
          (shown) => shown.map(({ agent }) => agent),
        );
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/agents/:slug',
      scope: 'agent:read',
      summary: 'An agent.',
      answer: agentDefinition,
      handle: ({ key, param }) => {
        const agent = findAgent(store, key.orgId, param('slug'));
        if (agent === undefined || (key.deviceId !== null && agent.targetDeviceId !== key.deviceId))
          throw new RunmeshError('not_found', `There is no agent ${param('slug')}.`);
        return ok(agent);
      },
    }),
  ];
}

function checkTarget({ store }: MeshServices, orgId: string, deviceId: string): void {
  const device = findNode(store, deviceId);
  if (device?.orgId === orgId && device.revokedAt === null) return;
  throw new RunmeshError('bad_request', `targetDeviceId: there is no linked device ${deviceId}`, {
    details: { field: 'targetDeviceId' },
  });
}
