import type { FinalStatus } from '../../protocol/events.ts';
import type { Store } from './store.ts';

/** Something a person asked of a run on a device: kept until the device answers, or the run ends. */
export interface OrderRow {
  id: string;
  runId: string;
  kind: 'cancel' | 'steer' | 'approval';
  /** Why it is cancelled, the words to steer by, or an answer to a question as JSON. */
  text: string;
  state: 'pending' | 'done' | 'refused';
  code: string | null;
  message: string | null;
}

export function insertOrder(
  store: Store,
  order: Pick<OrderRow, 'id' | 'runId' | 'kind' | 'text'>,
  now: number,
): void {
  store.run(
    "INSERT INTO orders (id, run_id, kind, text, state, created_at) VALUES (?, ?, ?, ?, 'pending', ?)",
    order.id,
    order.runId,
    order.kind,
    order.text,
    now,
  );
}

export function findOrder(store: Store, id: string): OrderRow | undefined {
  return store.get<OrderRow>(
    'SELECT id, run_id AS runId, kind, text, state, code, message FROM orders WHERE id = ?',
    id,
  );
}

/**
 * Orders a device has not answered, for the runs it has taken: cancels, then the rest, oldest first. Its runs of old are
 * not looked through, and the texts stay where they are, since this is asked every second.
 */
export function pendingOrders(store: Store, deviceId: string): Pick<OrderRow, 'id' | 'kind'>[] {
  return store.all<Pick<OrderRow, 'id' | 'kind'>>(
    `SELECT orders.id, kind
     FROM runs INDEXED BY runs_unfinished CROSS JOIN orders ON run_id = runs.id
     WHERE state = 'pending' AND device_id = ? AND completed_at IS NULL AND status <> 'registered'
     ORDER BY kind <> 'cancel', orders.seq`,
    deviceId,
  );
}

/** How many orders of a kind a run's device has not answered. */
export function countPendingOrders(store: Store, runId: string, kind: OrderRow['kind']): number {
  const row = store.get<{ count: number }>(
    "SELECT count(*) AS count FROM orders WHERE run_id = ? AND state = 'pending' AND kind = ?",
    runId,
    kind,
  );
  return row?.count ?? 0;
}

export function answerOrder(
  store: Store,
  id: string,
  answer: { status: 'done' | 'refused'; code?: string | undefined; message?: string | undefined },
): void {
  store.run(
    "UPDATE orders SET state = ?, code = ?, message = ? WHERE id = ? AND state = 'pending'",
    answer.status,
    answer.code ?? null,
    answer.message ?? null,
    id,
  );
}

/** The end of a run answers its open orders: a cancelled run did what `cancel` asked, the rest came too late. */
export function closeOrders(store: Store, runId: string, status: FinalStatus): void {
  store.run(
    `UPDATE orders SET state = iif(kind = 'cancel' AND ? = 'cancelled', 'done', 'refused'),
       code = iif(kind = 'cancel' AND ? = 'cancelled', NULL, 'run_ended')
     WHERE run_id = ? AND state = 'pending'`,
    status,
    status,
    runId,
  );
}
