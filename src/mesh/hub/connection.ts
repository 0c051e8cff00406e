import type { WebSocket } from 'ws';
import { backoffWindow } from '../../kit/backoff.ts';
import { messageOf } from '../../kit/errors.ts';
import { CLOSE_CODES, type CloseReason } from '../../protocol/close-codes.ts';
import { DEVICE_FRAMES, type DeviceFrame, type MeshFrame } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { readFrame } from '../../protocol/read-frame.ts';
import type { MeshCore } from '../context.ts';
import { AckSchedule } from './ack-schedule.ts';

export interface ConnectionEvents {
  onFrame(connection: DeviceConnection, frame: DeviceFrame): void;
  onGone(connection: DeviceConnection): void;
}

/** A welcomed device's socket: reads and writes frames, and remembers what was sent over this very connection. */
export class DeviceConnection {
  readonly deviceId: string;
  readonly sessionId: string;
  readonly journalEpoch: string;
  readonly acks: AckSchedule;
  /** The device said `drain`: it takes nothing new. */
  draining = false;
  unknownFrames = 0;
  /** How the connection ended, where it has. */
  ended: 'closed' | 'silent' | undefined;
  /** Wall clock of the last frame. */
  lastHeardAt: number;
  readonly #core: MeshCore;
  readonly #socket: WebSocket;
  readonly #dispatches = new Map<string, { dueMs: number; rejections: number }>();
  /** When each open order that was sent over this connection is due again. */
  readonly #orders = new Map<string, number>();
  #heardMs: number;
  /** Since the last heartbeat of this end. */
  #pings = 0;
  #heartbeatDueMs: number;

  constructor(
    core: MeshCore,
    socket: WebSocket,
    identity: { deviceId: string; sessionId: string; journalEpoch: string },
    events: ConnectionEvents,
  ) {
    this.#core = core;
    this.#socket = socket;
    this.deviceId = identity.deviceId;
    this.sessionId = identity.sessionId;
    this.journalEpoch = identity.journalEpoch;
    this.lastHeardAt = core.clock.now();
    this.#heardMs = core.clock.monotonic();
    this.#heartbeatDueMs = this.#heardMs + LIMITS.heartbeatMs * core.random.unit();
    this.acks = new AckSchedule(core.clock, (runId, runSequence) =>
      this.send({ type: 'ack', runId, runSequence }),
    );
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#take(data, isBinary, events));
    socket.on('ping', () => this.#takePing());
    socket.on('close', () => {
      this.ended ??= 'closed';
      this.acks.stop();
      events.onGone(this);
    });
  }

  send(frame: MeshFrame): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    if (this.ended !== undefined) return;
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) this.close('slow');
  }

  /** Whether the device has more to read than it should be given now. */
  get busy(): boolean {
    return this.ended !== undefined || this.#socket.bufferedAmount > LIMITS.windowBytes;
  }

  close(why: CloseReason, reason: string = CLOSE_CODES[why].meaning): void {
    if (this.ended !== undefined) return;
    this.ended = 'closed';
    this.#core.log.info(
      { deviceId: this.deviceId, code: CLOSE_CODES[why].code, reason },
      'device connection closed',
    );
    this.#socket.close(CLOSE_CODES[why].code, reason.slice(0, 100));
  }

  /** Cuts the socket without a closing handshake. */
  terminate(): void {
    this.ended ??= 'silent';
    this.#socket.terminate();
  }

  silentMs(): number {
    return this.#core.clock.monotonic() - this.#heardMs;
  }

  /** Whether this end's heartbeat is due; asking starts the next wait. */
  takeHeartbeatDue(): boolean {
    const now = this.#core.clock.monotonic();
    if (now < this.#heartbeatDueMs) return false;
    this.#heartbeatDueMs = now + LIMITS.heartbeatMs;
    this.#pings = 0;
    return true;
  }

  /** Whether this run may be dispatched now: not twice within `dispatchRetryMs`, nor right after a rejection. */
  mayDispatch(runId: string): boolean {
    return (this.#dispatches.get(runId)?.dueMs ?? 0) <= this.#core.clock.monotonic();
  }

  noteDispatch(runId: string): void {
    const rejections = this.#dispatches.get(runId)?.rejections ?? 0;
    this.#dispatches.set(runId, { dueMs: this.#core.clock.monotonic() + LIMITS.dispatchRetryMs, rejections });
  }

  noteRejection(runId: string): void {
    const rejections = this.#dispatches.get(runId)?.rejections ?? 0;
    const { before, after } = backoffWindow(rejections, 0, { baseMs: 1_000, maxMs: LIMITS.backoffMaxMs });
    const dueMs = this.#core.clock.monotonic() + before + after;
    this.#dispatches.set(runId, { dueMs, rejections: rejections + 1 });
  }

  /** Whether this order may be sent now: a device whose disk is full answers none, and takes one that comes twice as one. */
  mayOrder(orderId: string): boolean {
    return (this.#orders.get(orderId) ?? 0) <= this.#core.clock.monotonic();
  }

  noteOrder(orderId: string): void {
    this.#orders.set(orderId, this.#core.clock.monotonic() + LIMITS.dispatchRetryMs);
  }

  /** Forgets the orders that are not `open` any more. */
  keepOrders(open: ReadonlySet<string>): void {
    for (const orderId of this.#orders.keys()) if (!open.has(orderId)) this.#orders.delete(orderId);
  }

  /** A run ended: its place is free, so those that were turned away may come again. */
  noteRunEnded(runId: string): void {
    this.#dispatches.delete(runId);
    for (const [id, { rejections }] of this.#dispatches) if (rejections > 0) this.#dispatches.delete(id);
  }

  /** The library answers each by itself, and a device that reads no answers would have us keep them. */
  #takePing(): void {
    this.#pings += 1;
    if (this.#pings > LIMITS.pingsPerHeartbeat) this.close('protocol', 'too many pings');
  }

  #take(data: Buffer, isBinary: boolean, events: ConnectionEvents): void {
    if (this.ended !== undefined) return;
    this.#heardMs = this.#core.clock.monotonic();
    this.lastHeardAt = this.#core.clock.now();
    const read = isBinary ? BINARY : readFrame(data.toString(), DEVICE_FRAMES);
    if (read.kind === 'malformed') this.close('protocol', read.reason);
    else if (read.kind === 'unknown') this.unknownFrames += 1;
    else this.#handle(read.frame, events);
  }

  #handle(frame: DeviceFrame, events: ConnectionEvents): void {
    try {
      events.onFrame(this, frame);
    } catch (error) {
      // A full disk, say: nothing was acknowledged, so the device brings it again.
      const { deviceId } = this;
      this.#core.log.error(
        { deviceId, frame: frame.type, error: messageOf(error) },
        'a frame was not handled',
      );
      this.close('restart', 'the mesh could not store what you sent');
    }
  }
}

const BINARY = { kind: 'malformed', reason: 'binary frame' } as const;
/** What a device may leave unread before it counts as not reading at all. */
const MAX_UNREAD_BYTES = 8 * LIMITS.maxFrameBytes;
