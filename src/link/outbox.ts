import type { Journal } from '../journal/journal.ts';
import { isOver, listCursors, type RunCursor, readCursor, recordAck } from '../journal/list-cursors.ts';
import { readEventsAfter } from '../journal/read-events.ts';
import type { DeviceEvent } from '../protocol/events.ts';
import type { DeviceFrame } from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';

/** How far a run's events are on this connection. */
interface Progress {
  cursor: RunCursor;
  /** The last runSequence sent on this connection. */
  sent: number;
  /** Sizes of what was sent and is not acknowledged, by runSequence. */
  underWay: { sequence: number; bytes: number }[];
  /** An event too large for a frame is on its way over HTTP; the rest of the run waits for it. */
  elsewhere: boolean;
}

export interface OutboxOptions {
  journal: Journal;
  send(frame: DeviceFrame): void;
  /** Sends one event over HTTP; its acknowledgement comes to `acked`. */
  sendLarge(cursor: RunCursor, event: DeviceEvent): void;
  /** What is live of the run must go before the durable event that closes it. */
  beforeSending(runId: string): void;
  windowBytes: number;
  maxFrameBytes: number;
}

/**
 * Drains the journal into one connection, by generation and not by queue: what was committed is more than what was sent,
 * so send on. Nothing is sent twice on a connection unless a heartbeat shows a hole; a new connection starts from what
 * the mesh says it has.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #runs = new Map<string, Progress>();

  constructor(options: OutboxOptions, acked: ReadonlyMap<string, number>) {
    this.#options = options;
    for (const cursor of listCursors(options.journal)) {
      if (cursor.origin === 'dispatched')
        this.#runs.set(cursor.runId, progressOf(cursor, acked.get(cursor.runId) ?? cursor.acked));
    }
  }

  /** Something of the run was committed. */
  committed(runId: string): void {
    const cursor = readCursor(this.#options.journal, runId);
    if (cursor === undefined || cursor.origin !== 'dispatched') return;
    const known = this.#runs.get(runId);
    if (known === undefined) this.#runs.set(runId, progressOf(cursor, cursor.acked));
    else known.cursor = cursor;
    this.drain();
  }

  acked(runId: string, runSequence: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    recordAck(this.#options.journal, runId, runSequence);
    run.underWay = run.underWay.filter(({ sequence }) => sequence > runSequence);
    run.sent = Math.max(run.sent, Math.min(runSequence, run.cursor.committed));
    run.elsewhere &&= runSequence < run.sent;
    run.cursor = readCursor(this.#options.journal, runId) ?? run.cursor;
    this.drain();
  }

  /**
   * What the mesh says in a heartbeat it has. Less than was sent two heartbeats ago is a hole: the run is sent again from
   * there. What was sent since may simply be on its way.
   */
  check(runId: string, acked: number, sentBefore: number): void {
    const run = this.#runs.get(runId);
    if (run === undefined || acked >= sentBefore) return;
    run.sent = acked;
    run.underWay = [];
    run.elsewhere = false;
    this.drain();
  }

  /** Forgets a run that the mesh has ended or does not know. */
  forget(runId: string): void {
    this.#runs.delete(runId);
  }

  positions(): { runId: string; committed: number; acked: number; sent: number }[] {
    return [...this.#runs.values()].map(({ cursor: { runId, committed, acked }, sent }) => ({
      runId,
      committed,
      acked,
      sent,
    }));
  }

  drain(): void {
    for (const run of this.#runs.values()) {
      while (!run.elsewhere && run.sent < run.cursor.committed) if (!this.#sendSome(run)) break;
      const { runId, acked, committed } = run.cursor;
      // A run that may commit more stays: its next event finds its place.
      if (acked >= committed && isOver(this.#options.journal, runId)) this.#runs.delete(runId);
    }
  }

  /** Sends one frame of the run's events; `false` when the windows are full. */
  #sendSome(run: Progress): boolean {
    const { journal, windowBytes, maxFrameBytes } = this.#options;
    const all = [...this.#runs.values()].flatMap((one) => one.underWay);
    const room = Math.min(
      windowBytes - sum(all),
      LIMITS.runWindowBytes - sum(run.underWay),
      maxFrameBytes - FRAME_OVERHEAD_BYTES,
    );
    // One event may be larger than its window: it goes when nothing else is under way.
    if (all.length >= LIMITS.windowEvents || (room <= 0 && run.underWay.length > 0)) return false;
    const events = readEventsAfter(journal, run.cursor.runId, run.sent, Math.max(room, 1));
    const sized = withinKeys(events.slice(0, LIMITS.windowEvents - all.length).map(sizeOf));
    const [first] = sized;
    if (first === undefined || (first.bytes > room && run.underWay.length > 0)) return false;
    this.#options.beforeSending(run.cursor.runId);
    if (first.bytes > maxFrameBytes - FRAME_OVERHEAD_BYTES || first.keys > MOST_KEYS) {
      run.elsewhere = true;
      run.sent = first.event.runSequence;
      this.#options.sendLarge(run.cursor, first.event);
      return false;
    }
    const { runId, attempt } = run.cursor;
    this.#options.send({
      type: 'events',
      runId,
      journalEpoch: journal.epoch,
      attempt,
      events: sized.map(({ event }) => event),
    });
    for (const { event, bytes } of sized) run.underWay.push({ sequence: event.runSequence, bytes });
    run.sent = sized.at(-1)?.event.runSequence ?? run.sent;
    return true;
  }
}

function progressOf(cursor: RunCursor, acked: number): Progress {
  return { cursor, sent: Math.min(acked, cursor.committed), underWay: [], elsewhere: false };
}

interface Sized {
  event: DeviceEvent;
  bytes: number;
  /** At most so many keys of JSON: a text may look as if it had some. */
  keys: number;
}

function sizeOf(event: DeviceEvent): Sized {
  const text = JSON.stringify(event);
  return { event, bytes: Buffer.byteLength(text), keys: text.split('":').length - 1 };
}

/** As many of the first as a frame may have keys of; the first in any case. */
function withinKeys(events: readonly Sized[]): Sized[] {
  let keys = 0;
  const end = events.findIndex((event, index) => {
    keys += event.keys;
    return keys > MOST_KEYS && index > 0;
  });
  return end === -1 ? [...events] : events.slice(0, end);
}

function sum(sizes: readonly { bytes: number }[]): number {
  return sizes.reduce((total, { bytes }) => total + bytes, 0);
}

/** The frame around the events. */
const FRAME_OVERHEAD_BYTES = 1_024;
const MOST_KEYS = LIMITS.maxJsonKeys - 16;
