import { RunmeshError } from '../../kit/errors.ts';
import { prefixedId } from '../../kit/random.ts';
import type { ApprovalAnswer } from '../../protocol/approvals.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { MeshServices } from '../context.ts';
import { countPendingOrders, findOrder, insertOrder, type OrderRow } from '../store/orders.ts';
import { findRunHead, markCancelRequested, type RunHead } from '../store/runs.ts';
import { endRun } from './end-run.ts';

/**
 * Cancels a run. One its device has not taken ends at once; otherwise the device is told, now or when it comes back,
 * and ends it. Cancelling a cancelled run changes nothing. Throws `run_ended` where the run ended otherwise.
 */
export function cancelRun(services: MeshServices, run: RunHead, reason: string): void {
  if (run.status === 'cancelled') return;
  if (run.completedAt !== null) throw hasEnded(run);
  if (run.status === 'registered') {
    endRun(services, run.id, { status: 'cancelled' });
    serveDevice(services, run);
    return;
  }
  if (run.cancelRequested !== 0) return;
  services.store.transaction(() => {
    markCancelRequested(services.store, run.id);
    giveOrder(services, run, 'cancel', reason);
  });
  serveDevice(services, run);
}

/**
 * Gives words to a running run, waiting a moment for its device to take them; an order still `pending` then is
 * delivered when the device can. Throws `run_ended`, and `conflict` where the device refuses or too many wait for it.
 */
export function steerRun(services: MeshServices, run: RunHead, text: string): Promise<OrderRow> {
  return order(services, run, 'steer', text);
}

/** Gives a device's run the answer to a question of its; as `steerRun`. The device may refuse answers by the mesh. */
export function answerApproval(
  services: MeshServices,
  run: RunHead,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<OrderRow> {
  return order(services, run, 'approval', JSON.stringify({ approvalId, ...answer }));
}

async function order(
  services: MeshServices,
  run: RunHead,
  kind: OrderRow['kind'],
  text: string,
): Promise<OrderRow> {
  if (run.completedAt !== null) throw hasEnded(run);
  if (countPendingOrders(services.store, run.id, kind) >= LIMITS.pendingOrders) {
    throw new RunmeshError(
      'conflict',
      `Run ${run.id} has ${LIMITS.pendingOrders} orders of this kind that its device has not answered. Wait until it has.`,
    );
  }
  const orderId = giveOrder(services, run, kind, text);
  if (run.deviceId !== null && run.status !== 'registered' && services.devices.isOnline(run.deviceId)) {
    serveDevice(services, run);
    await services.answers.wait(orderId, services.clock, ANSWER_MS);
  }
  const given = findOrder(services.store, orderId);
  if (given === undefined) throw new RunmeshError('internal_error', `Order ${orderId} was not stored.`);
  if (given.state !== 'refused') return given;
  if (given.code === 'run_ended') throw hasEnded(findRunHead(services.store, run.id) ?? run);
  throw new RunmeshError(
    'conflict',
    given.message ?? `The device refused the order (${given.code ?? 'no reason'}).`,
  );
}

function giveOrder(services: MeshServices, run: RunHead, kind: OrderRow['kind'], text: string): string {
  const id = prefixedId(services.random, 'ord');
  insertOrder(services.store, { id, runId: run.id, kind, text }, services.clock.now());
  return id;
}

function serveDevice({ devices }: MeshServices, run: RunHead): void {
  if (run.deviceId !== null) devices.serve(run.deviceId);
}

function hasEnded(run: RunHead): RunmeshError {
  return new RunmeshError('run_ended', `Run ${run.id} has ended (${run.status}).`);
}

/** How long a steering caller waits for its device's word. */
const ANSWER_MS = 2_000;
