import { z } from 'zod';
import { RunmeshError } from '../../../kit/errors.ts';
import { threadEvent } from '../../../protocol/events.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { paging } from '../../../protocol/run-api.ts';
import { appendAnswer, appendRequest, thread } from '../../../protocol/threads.ts';
import type { MeshServices } from '../../context.ts';
import { findAgent } from '../../store/agents.ts';
import type { KeyRow } from '../../store/keys.ts';
import { readThreadEvents } from '../../store/read-events.ts';
import { findThread, listRollouts, listThreads, type ThreadRow, toThread } from '../../store/threads.ts';
import { appendOverHttp } from '../append-over-http.ts';
import { ok, type PageQuery, page, type Reply, readBefore, readCursor, readLimit } from '../reply.ts';
import { type KeyedCall, keyedRoute, type Route } from '../route.ts';

const listQuery = paging.extend({ agent: z.string().optional() });
const eventsQuery = paging.extend({
  /** Only events after this thread sequence; the same as a cursor. */
  after: z.coerce.number().int().nonnegative().optional(),
  include: z.literal('all_rollouts').optional(),
});

export function threadRoutes(services: MeshServices): Route[] {
  return [
    keyedRoute({
      method: 'get',
      path: '/v1/threads',
      scope: 'agent:read',
      summary: 'Lists threads, newest first.',
      query: listQuery,
      answer: z.array(thread),
      handle: ({ key, query }) => listOf(services, key, query),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/run/threads',
      scope: 'agent:read',
      summary: "Lists an agent's threads, newest first.",
      query: listQuery,
      answer: z.array(thread),
      handle: ({ key, query }) => listOf(services, key, query),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/threads/:threadId',
      scope: 'agent:read',
      summary: 'A thread.',
      answer: thread,
      handle: (call) => ok(toThread(ownThread(services, call))),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/threads/:threadId/events',
      scope: 'agent:read',
      summary: "A thread's durable events in order.",
      query: eventsQuery,
      answer: z.object({ thread, events: z.array(threadEvent) }),
      handle: (call) => eventsOf(services, ownThread(services, call), call.query),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/threads/:threadId/rollouts',
      scope: 'agent:read',
      summary: "A thread's rollouts.",
      handle: (call) => ok(listRollouts(services.store, ownThread(services, call).id)),
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/threads/:threadId/events',
      scope: 'agent:run',
      summary: "Appends a run's durable events, for its own device: the way of a run that it started itself.",
      body: appendRequest,
      answer: appendAnswer,
      handle: (call) => ok(appendOverHttp(services, call.key, ownThread(services, call), call.body)),
    }),
  ];
}

function ownThread(
  { store }: MeshServices,
  call: Pick<KeyedCall<unknown, unknown>, 'param' | 'key'>,
): ThreadRow {
  const found = findThread(store, call.key, call.param('threadId'));
  if (found !== undefined) return found;
  throw new RunmeshError('not_found', `There is no thread ${call.param('threadId')}.`);
}

function listOf(
  { store }: MeshServices,
  key: KeyRow,
  query: PageQuery & { agent?: string | undefined },
): Reply {
  const agent = query.agent === undefined ? undefined : findAgent(store, key.orgId, query.agent);
  if (query.agent !== undefined && agent === undefined) {
    throw new RunmeshError('not_found', `There is no agent ${query.agent}.`);
  }
  const limit = readLimit(query, LIMITS.threadsPerPage);
  const rows = listThreads(store, key, {
    agentId: agent?.id,
    before: readBefore(query),
    limit: limit + 1,
  });
  return page(
    rows,
    limit,
    ({ seq }) => seq,
    (shown) => shown.map(toThread),
  );
}

function eventsOf({ store }: MeshServices, row: ThreadRow, query: z.infer<typeof eventsQuery>): Reply {
  const limit = readLimit(query, LIMITS.eventsPerPage);
  const after = query.cursor === undefined ? (query.after ?? 0) : readCursor(query.cursor);
  const rolloutId = query.include === undefined ? row.activeRolloutId : undefined;
  const { events, more } = readThreadEvents(store, row.id, { after, limit, rolloutId });
  const nextCursor = more ? String(events.at(-1)?.sequence) : null;
  return { kind: 'page', data: { thread: toThread(row), events }, nextCursor };
}
