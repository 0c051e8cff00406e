import { z } from 'zod';
import { isoTime } from '../../../kit/clock.ts';
import { RunmeshError } from '../../../kit/errors.ts';
import { approvalAnswer } from '../../../protocol/approvals.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import {
  paging,
  type RunRequest,
  runListItem,
  runRecord,
  runRequest,
  runStatus,
  steerRequest,
} from '../../../protocol/run-api.ts';
import type { MeshServices } from '../../context.ts';
import { readEventId } from '../../live/sse-frames.ts';
import { dispatchOrderOf } from '../../runs/dispatch-order.ts';
import { answerApproval, cancelRun, steerRun } from '../../runs/order-run.ts';
import { registerRun } from '../../runs/register-run.ts';
import { readRunEvents } from '../../store/read-events.ts';
import { findRunHead, listRuns, type RunHead, type RunListRow, toRunRecord } from '../../store/runs.ts';
import { readInput } from '../read-input.ts';
import { ok, page, type Reply, readBefore, readLimit } from '../reply.ts';
import { type KeyedCall, keyedRoute, type Route } from '../route.ts';
import { streamRun, waitForEnd } from '../run-stream.ts';
import { reaches } from '../scopes.ts';

type AnyCall = KeyedCall<unknown, unknown>;

export function runRoutes(services: MeshServices): Route[] {
  return [
    keyedRoute({
      method: 'post',
      path: '/v1/run',
      scope: 'agent:run',
      summary: 'Starts a run. Answers SSE, or with `stream: false` the run when it has ended.',
      body: runRequest,
      answer: runRecord,
      handle: (call) => startRun(services, call, call.body),
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/agents/:slug/run',
      scope: 'agent:run',
      summary: 'Starts a run of this agent. The older form of POST /v1/run.',
      body: z.record(z.string(), z.json()),
      answer: runRecord,
      handle: (call) => {
        const body = readInput({ ...call.body, agent: call.param('slug') }, runRequest);
        return startRun(services, call, body);
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/run',
      scope: 'agent:read',
      summary: 'Lists runs, newest first.',
      query: paging.extend({ agent: z.string().optional(), status: runStatus.optional() }),
      answer: z.array(runListItem),
      handle: ({ key, query }) => {
        const limit = readLimit(query, LIMITS.runsPerPage);
        const filter = {
          agent: query.agent,
          status: query.status,
          before: readBefore(query),
          limit: limit + 1,
        };
        return page(
          listRuns(services.store, key, filter),
          limit,
          ({ seq }) => seq,
          (rows) => rows.map(listItem),
        );
      },
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/run/:runId',
      scope: 'agent:read',
      summary: "A run's record.",
      answer: runRecord,
      handle: (call) => ok(recordOf(services, ownRun(services, call))),
    }),
    keyedRoute({
      method: 'get',
      path: '/v1/run/:runId/events',
      scope: 'agent:read',
      summary:
        "A run's events as SSE, after `Last-Event-ID`. 204 when the run has ended and all of it was told.",
      handle: (call) => followRun(services, call),
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/run/:runId/cancel',
      scope: 'agent:run',
      summary: 'Cancels a run: at once where no device took it, else through its device.',
      body: z.object({ reason: z.string().max(1_000).optional() }),
      answer: runRecord,
      handle: (call) => {
        const run = ownRun(services, call);
        cancelRun(services, run, call.body.reason ?? 'the caller cancelled it');
        return ok(recordOf(services, ownRun(services, call)));
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/run/:runId/steer',
      scope: 'agent:run',
      summary: 'Gives words to a running run; they reach the model before its next step.',
      body: steerRequest,
      handle: async (call) => {
        const order = await steerRun(services, ownRun(services, call), call.body.text);
        return ok({ orderId: order.id, runId: order.runId, status: order.state });
      },
    }),
    keyedRoute({
      method: 'post',
      path: '/v1/run/:runId/approvals/:approvalId',
      scope: 'agent:approve',
      summary:
        'Answers a question of a run, where the device’s owner allows that, and never with the key that started it.',
      body: approvalAnswer,
      handle: async (call) => {
        const run = ownRun(services, call);
        if (run.keyId === call.key.id || call.key.deviceId !== null) {
          throw new RunmeshError(
            'forbidden',
            'Who started a run does not decide what it may do. Answer with another key.',
          );
        }
        const order = await answerApproval(services, run, call.param('approvalId'), call.body);
        return ok({ orderId: order.id, runId: order.runId, status: order.state });
      },
    }),
  ];
}

/** The run of the path, where the caller's key reaches it. */
export function ownRun({ store }: MeshServices, call: Pick<AnyCall, 'param' | 'key'>): RunHead {
  const run = findRunHead(store, call.param('runId'));
  if (run !== undefined && reaches(call.key, run)) return run;
  throw new RunmeshError('not_found', `There is no run ${call.param('runId')}.`);
}

async function startRun(services: MeshServices, call: AnyCall, body: RunRequest): Promise<Reply> {
  const idempotencyKey = call.header('idempotency-key');
  const { run } = registerRun(services, { key: call.key, body, idempotencyKey });
  services.log.info({ runId: run.id, agent: run.agentSlug, startedBy: run.startedBy }, 'run registered');
  if (run.startedBy === 'device') {
    return ok({ ...recordOf(services, run), order: dispatchOrderOf(services.store, run) });
  }
  if (run.deviceId !== null) services.devices.serve(run.deviceId);
  if (body.stream !== false) return streamRun(services, call, run, { after: 0, note: noteOf(services, run) });
  const waitsForDevice = run.status === 'registered' && !isOnline(services, run);
  const why = waitsForDevice ? 'registered' : await waitForEnd(services, call, run);
  if (why === 'drained')
    throw new RunmeshError('unavailable', `The mesh goes down; run ${run.id} goes on after it.`);
  if (why === 'revoked')
    throw new RunmeshError('invalid_token', 'This API key was revoked or has expired meanwhile.');
  return ok(recordOf(services, findRunHead(services.store, run.id) ?? run));
}

function followRun(services: MeshServices, call: AnyCall): Reply {
  const run = ownRun(services, call);
  const lastId = call.header('last-event-id');
  const after = lastId === undefined || lastId === '' ? 0 : sequenceAfter(run, lastId);
  const allTold = run.completedAt !== null && readRunEvents(services.store, run.id, after, 1).length === 0;
  if (allTold) return { kind: 'response', response: new Response(null, { status: 204 }) };
  return streamRun(services, call, run, { after, note: noteOf(services, run) });
}

function sequenceAfter(run: RunHead, lastId: string): number {
  const id = readEventId(lastId);
  if (id === undefined) {
    throw new RunmeshError(
      'bad_request',
      'Last-Event-ID: give back the id of a frame, <runId>:<runSequence>.',
      {
        details: { field: 'Last-Event-ID' },
      },
    );
  }
  if (id.runId === run.id) return id.runSequence;
  throw new RunmeshError('not_found', `Last-Event-ID is of another run than ${run.id}.`);
}

/** What a caller's stream begins with, as a comment: where the run stands. */
function noteOf(services: MeshServices, run: RunHead): string {
  if (run.status !== 'registered' || isOnline(services, run)) return run.status;
  return 'registered; the device is offline, the run waits for it';
}

function recordOf(services: MeshServices, run: RunHead): ReturnType<typeof toRunRecord> {
  return toRunRecord(run, isOnline(services, run));
}

function isOnline({ devices }: MeshServices, run: RunHead): boolean {
  return run.deviceId !== null && devices.isOnline(run.deviceId);
}

function listItem(run: RunListRow): z.infer<typeof runListItem> {
  return {
    id: run.id,
    sandboxId: null,
    agentId: run.agentId,
    agent: run.agentSlug,
    threadId: run.threadId,
    userId: run.userId,
    status: run.status,
    createdAt: isoTime(run.createdAt),
  };
}
