import { z } from 'zod';
import { approvalAnswer } from '../../protocol/approvals.ts';
import type { MeshFrame } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { checkJsonBounds } from '../../protocol/read-frame.ts';
import type { MeshCore } from '../context.ts';
import { dispatchOrderOf } from '../runs/dispatch-order.ts';
import { findOrder, type OrderRow, pendingOrders } from '../store/orders.ts';
import { findRun, type RunRow } from '../store/runs.ts';
import { dispatchableRuns } from '../store/unfinished-runs.ts';
import type { DeviceConnection } from './connection.ts';

/** The text of an order that answers a question. */
export const givenAnswer = approvalAnswer.extend({ approvalId: z.string() });

/** Where a device fetches a dispatch that does not fit a frame. */
export const ORDERS_PATH = '/v1/runmesh/devices/orders';

/**
 * Sends a connected device what waits for it and was not sent lately: cancels, dispatches, then the other orders, and of all
 * that only as much as it reads. What is left goes by a later call; this may be called any time.
 */
export function serveDevice(core: MeshCore, connection: DeviceConnection): void {
  const orders = pendingOrders(core.store, connection.deviceId);
  connection.keepOrders(new Set(orders.map(({ id }) => id)));
  for (const { id, kind } of orders) if (kind === 'cancel') sendOrder(core, connection, id);
  if (!connection.draining) {
    for (const { id } of dispatchableRuns(core.store, connection.deviceId, MAX_RUNS_OF_DEVICE)) {
      if (connection.busy) return;
      if (!connection.mayDispatch(id)) continue;
      const run = findRun(core.store, id);
      if (run === undefined) continue;
      connection.noteDispatch(id);
      connection.sendText(dispatchText(core, run));
    }
  }
  for (const { id, kind } of orders) if (kind !== 'cancel') sendOrder(core, connection, id);
}

function sendOrder(core: MeshCore, connection: DeviceConnection, id: string): void {
  if (connection.busy || !connection.mayOrder(id)) return;
  const order = findOrder(core.store, id);
  if (order === undefined) return;
  connection.noteOrder(id);
  connection.send(orderFrame(order));
}

function dispatchText(core: MeshCore, run: RunRow): string {
  const frame: MeshFrame = { type: 'dispatch', ...dispatchOrderOf(core.store, run) };
  const text = JSON.stringify(frame);
  const fits = Buffer.byteLength(text) <= LIMITS.maxFrameBytes && checkJsonBounds(text) === undefined;
  if (fits) return text;
  const reference: MeshFrame = {
    type: 'dispatch_ref',
    runId: run.id,
    attempt: run.attempt,
    path: `${ORDERS_PATH}/${run.id}`,
  };
  return JSON.stringify(reference);
}

function orderFrame({ id, runId, kind, text }: OrderRow): MeshFrame {
  if (kind === 'cancel') return { type: 'cancel', runId, orderId: id, reason: text };
  if (kind === 'steer') return { type: 'steer', runId, orderId: id, text };
  return { type: 'approval', runId, orderId: id, ...givenAnswer.parse(JSON.parse(text)) };
}

/** A device queues few runs and names each in its `hello`, which has to fit `preAuthFrameBytes`. */
const MAX_RUNS_OF_DEVICE = 64;
