import { createHash } from 'node:crypto';
import { RunmeshError } from '../../kit/errors.ts';
import {
  type DeviceEvent,
  DURABLE_PAYLOADS,
  type DurablePayload,
  type ThreadEvent,
} from '../../protocol/events.ts';
import { closeOrders } from './orders.ts';
import { findRunHead, type RunHead } from './runs.ts';
import type { Store } from './store.ts';

export interface EventBatch {
  journalEpoch: string;
  attempt: number;
  events: readonly DeviceEvent[];
}

export interface Appended {
  /** The run as it is now. */
  run: RunHead;
  /** What this batch added, in order; repeats are not in it. */
  events: ThreadEvent[];
}

/**
 * The one way events enter the mesh, whole batches in one synced transaction. The key of an event is
 * `(runId, journalEpoch, runSequence)`: the next number is appended, a repeat is passed over, and everything else
 * refuses the batch. Throws `stale_attempt`, `run_ended`, `bad_request` (an invalid `run_completed`) or
 * `sequence_conflict`, whose `details.kind` is `gap`, `epoch`, or `hash`: the same number with another body.
 */
export function appendEvents(store: Store, runId: string, batch: EventBatch, now: number): Appended {
  return store.transaction(() => {
    const run = findRunHead(store, runId);
    if (run === undefined) throw new RunmeshError('not_found', `There is no run ${runId}.`);
    checkFence(run, batch);
    const fresh = batch.events.filter((event) => !isRepeat(store, run, batch.journalEpoch, event));
    if (fresh.length === 0) return { run, events: [] };
    checkNumbers(run, fresh);
    const events = insertEvents(store, run, batch.journalEpoch, fresh, now);
    store.run(
      `UPDATE runs SET status = iif(status IN ('registered', 'dispatched'), 'running', status), journal_epoch = ?,
         attempt = ?, last_run_sequence = ? WHERE id = ?`,
      batch.journalEpoch,
      batch.attempt,
      run.lastRunSequence + fresh.length,
      run.id,
    );
    const last = fresh.at(-1);
    if (last?.type === 'run_completed') recordEnd(store, run.id, readCompletion(last.payload), now);
    return { run: findRunHead(store, runId) ?? run, events };
  });
}

/** Numbers `events` in their thread after what is there, and stores them. */
export function insertEvents(
  store: Store,
  run: RunHead,
  journalEpoch: string,
  events: readonly DeviceEvent[],
  now: number,
): ThreadEvent[] {
  const row = store.get<{ last: number }>(
    'UPDATE threads SET last_sequence = last_sequence + ?, updated_at = ? WHERE id = ? RETURNING last_sequence AS last',
    events.length,
    now,
    run.threadId,
  );
  const first = (row?.last ?? 0) - events.length + 1;
  return events.map((event, index) => {
    store.run(
      `INSERT INTO events (thread_id, sequence, run_id, rollout_id, journal_epoch, run_sequence, type, payload, hash,
         created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      run.threadId,
      first + index,
      run.id,
      run.rolloutId,
      journalEpoch,
      event.runSequence,
      event.type,
      JSON.stringify(event.payload),
      hashOf(event),
      event.createdAt,
    );
    const { id: runId, threadId, rolloutId } = run;
    return { ...event, runId, threadId, rolloutId, sequence: first + index };
  });
}

/** Writes a run's final status and answers for the orders it leaves behind. */
export function recordEnd(
  store: Store,
  runId: string,
  end: DurablePayload<'run_completed'>,
  now: number,
): void {
  store.run(
    'UPDATE runs SET status = ?, result = ?, usage = ?, iterations = ?, error = ?, completed_at = ? WHERE id = ?',
    end.status,
    end.result,
    JSON.stringify(end.usage),
    end.iterations,
    end.error === undefined ? null : JSON.stringify(end.error),
    now,
    runId,
  );
  closeOrders(store, runId, end.status);
}

function checkFence(run: RunHead, batch: EventBatch): void {
  if (batch.attempt < run.attempt) {
    throw new RunmeshError(
      'stale_attempt',
      `Attempt ${batch.attempt} of run ${run.id} is over: the run is in attempt ${run.attempt}.`,
    );
  }
  if (run.journalEpoch !== null && run.journalEpoch !== batch.journalEpoch) {
    if (run.completedAt !== null) throw ended(run);
    throw conflict(
      'epoch',
      `Run ${run.id} is journaled under another epoch; its numbers mean nothing in this one.`,
    );
  }
}

function isRepeat(store: Store, run: RunHead, journalEpoch: string, event: DeviceEvent): boolean {
  if (event.runSequence > run.lastRunSequence) return false;
  const stored = store.get<{ hash: string }>(
    'SELECT hash FROM events WHERE run_id = ? AND run_sequence = ? AND journal_epoch = ?',
    run.id,
    event.runSequence,
    journalEpoch,
  );
  if (stored?.hash === hashOf(event)) return true;
  throw conflict(
    'hash',
    `Event ${event.runSequence} of run ${run.id} is stored with another body and stays as it is.`,
  );
}

function checkNumbers(run: RunHead, fresh: readonly DeviceEvent[]): void {
  if (run.completedAt !== null) throw ended(run);
  for (const [index, event] of fresh.entries()) {
    const expected = run.lastRunSequence + index + 1;
    if (event.runSequence !== expected) {
      throw conflict(
        'gap',
        `Run ${run.id} has events up to ${expected - 1}; ${event.runSequence} cannot follow.`,
      );
    }
    if (event.type === 'run_completed') {
      readCompletion(event.payload);
      if (index < fresh.length - 1) throw ended(run);
    }
  }
}

function readCompletion(payload: unknown): DurablePayload<'run_completed'> {
  const parsed = DURABLE_PAYLOADS.run_completed.safeParse(payload);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ['payload', ...(issue?.path ?? [])].join('.');
  throw new RunmeshError('bad_request', `run_completed ${field}: ${issue?.message ?? 'invalid'}`, {
    details: { field },
  });
}

function ended(run: RunHead): RunmeshError {
  return new RunmeshError('run_ended', `Run ${run.id} has ended; nothing can be added to it.`);
}

function conflict(kind: 'gap' | 'epoch' | 'hash', message: string): RunmeshError {
  return new RunmeshError('sequence_conflict', message, { details: { kind } });
}

function hashOf(event: DeviceEvent): string {
  return createHash('sha256')
    .update(JSON.stringify([event.type, event.payload, event.createdAt]))
    .digest('hex');
}
