import { z } from 'zod';
import { RunmeshError } from '../../../kit/errors.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { type Node, node, nodePatch } from '../../../protocol/nodes.ts';
import { paging } from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { ORDERS_PATH } from '../../hub/serve-device.ts';
import { dispatchOrderOf } from '../../runs/dispatch-order.ts';
import { revokeNode } from '../../runs/revoke-node.ts';
import { findNode, listNodes, markNodeDeleted, type NodeRow, renameNode, toNode } from '../../store/nodes.ts';
import { findRun } from '../../store/runs.ts';
import { countUnfinishedRuns } from '../../store/unfinished-runs.ts';
import { ok, page, readBefore, readLimit } from '../reply.ts';
import { type KeyedCall, keyedRoute, type Route } from '../route.ts';
import { requireScope } from '../scopes.ts';
import { ownRun } from './runs.ts';

export function nodeRoutes(services: MeshServices): Route[] {
  const { store, clock } = services;
  return [
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/nodes',
      scope: 'runmesh:read',
      summary: 'Lists linked devices, newest first.',
      query: paging,
      answer: z.array(node),
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.threadsPerPage);
        const rows = listNodes(store, key.orgId, readBefore(query), limit + 1);
        return page(
          rows,
          limit,
          ({ seq }) => seq,
          (shown) => shown.map((row) => show(services, row)),
        );
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/nodes/:nodeId',
      scope: 'runmesh:read',
      summary: 'A device.',
      answer: node,
      handle: (call) => ok(show(services, ownNode(services, call))),
    }),
    keyedRoute({
      method: 'patch',
      path: '/v1/runmesh/nodes/:nodeId',
      scope: 'runmesh:write',
      summary: 'Renames a device.',
      body: nodePatch,
      answer: node,
      handle: (call) => {
        renameNode(store, ownNode(services, call).id, call.body.label);
        return ok(show(services, ownNode(services, call)));
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/runmesh/nodes/:nodeId/revoke',
      scope: 'agent:run',
      summary:
        'Revokes a device for good: its connection, its key, its unfinished runs. A device may revoke itself.',
      answer: node,
      handle: (call) => {
        if (call.key.deviceId !== call.param('nodeId')) requireScope(call.key, 'runmesh:write');
        revokeNode(services, ownNode(services, call).id);
        return ok(show(services, ownNode(services, call)));
      },
    }),
    keyedRoute({
      method: 'delete',
      path: '/v1/runmesh/nodes/:nodeId',
      scope: 'runmesh:write',
      summary: 'Revokes a device and takes it off the list.',
      answer: node,
      handle: (call) => {
        const { id } = ownNode(services, call);
        revokeNode(services, id);
        const last = ownNode(services, call);
        markNodeDeleted(store, id, clock.now());
        return ok(show(services, last));
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/runmesh/overview',
      scope: 'runmesh:read',
      summary: 'Counts of devices and unfinished runs.',
      handle: ({ key }) => ok(overview(services, key.orgId)),
    }),
    keyedRoute({
      method: 'get',
      path: `${ORDERS_PATH}/:runId`,
      scope: 'agent:run',
      summary: 'The dispatch of a run, for its own device: the one that did not fit a frame.',
      handle: (call) => {
        const run = findRun(store, ownRun(services, call).id);
        if (run === undefined || call.key.deviceId === null) {
          throw new RunmeshError('not_found', `This device has no run ${call.param('runId')}.`);
        }
        if (run.completedAt !== null) throw new RunmeshError('run_ended', `Run ${run.id} has ended.`);
        return ok(dispatchOrderOf(store, run));
      },
    }),
  ];
}

function ownNode({ store }: MeshServices, call: Pick<KeyedCall<unknown, unknown>, 'param' | 'key'>): NodeRow {
  const row = findNode(store, call.param('nodeId'));
  if (row?.orgId === call.key.orgId && row.deletedAt === null) return row;
  throw new RunmeshError('not_found', `There is no device ${call.param('nodeId')}.`);
}

function show({ devices }: MeshServices, row: NodeRow): Node {
  return toNode(row, devices.presence(row.id));
}

function overview(services: MeshServices, orgId: string): Record<string, unknown> {
  const nodes = { total: 0, online: 0, offline: 0, unreachable: 0, revoked: 0 };
  for (const row of listNodes(services.store, orgId, Number.MAX_SAFE_INTEGER, OVERVIEW_NODES)) {
    nodes.total += 1;
    nodes[show(services, row).status] += 1;
  }
  return { nodes, runs: countUnfinishedRuns(services.store, orgId) };
}

const OVERVIEW_NODES = 10_000;
