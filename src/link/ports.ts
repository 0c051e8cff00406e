import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import type { ApprovalAnswer } from '../protocol/approvals.ts';
import type { DeltaKind } from '../protocol/events.ts';
import type { DeviceFrame, DispatchOrder, FrameNamed } from '../protocol/frames.ts';
import type { SocketOptions } from './connection.ts';
import type { LiveText } from './delta-stream.ts';
import type { LinkIdentity } from './handshake.ts';
import type { StopReason } from './link-state.ts';
import type { HttpAccess } from './publish-over-http.ts';

/** What the mesh may ask of a device; each answers what the mesh is told. */
export interface LinkOrders {
  dispatch(
    order: DispatchOrder,
  ):
    | { accepted: true }
    | { accepted: false; code: FrameNamed<DeviceFrame, 'rejected'>['code']; message: string };
  cancel(runId: string, reason: string): OrderResult;
  steer(runId: string, orderId: string, text: string): OrderResult;
  approve(runId: string, approvalId: string, answer: ApprovalAnswer): OrderResult;
  /** The mesh has ended the run, or does not know it. */
  forget(runId: string): void;
}

export type OrderResult = { status: 'done' } | { status: 'refused'; code: string; message: string };

export interface LinkOptions {
  journal: Journal;
  clock: Clock;
  random: Random;
  log: Log;
  identity: LinkIdentity;
  access: HttpAccess;
  /** What the socket needs on its way: a proxy's agent, certificates. */
  socketOptions: SocketOptions;
  orders: LinkOrders;
  liveTexts(runId: string): readonly LiveText[];
  say: (doing: string) => void;
  /** The link is up; again after each reconnect. */
  onOnline(sessionId: string): void;
  /** The link will not come back by itself. */
  onStopped(why: StopReason): void;
}

export interface LinkStatus {
  state: 'waiting' | 'connecting' | 'online' | 'stopped';
  sessionId: string | undefined;
  /** Milliseconds since anything came from the mesh; `undefined` before the first connection. */
  lastHeardMs: number | undefined;
}

export interface Link {
  /** Runs until `stop`, or until the link may not come back. */
  run(): Promise<void>;
  /** Something of the run was committed. */
  committed(runId: string): void;
  delta(runId: string, delta: { messageId: string; kind: DeltaKind; offset: number }): void;
  /** The run is about to commit what closes its live texts. */
  settle(runId: string): void;
  /** The machine slept or changed its network: its socket may say open and be dead, and a wait may be pointless. */
  woke(): void;
  /** What this device can do has changed. A connection that comes later says so by itself. */
  offer(): void;
  /** No new dispatches, please; heartbeats and events go on. */
  drain(reason: string): void;
  /** Says goodbye and ends. Waits up to `ms` for what is under way to be acknowledged. */
  stop(ms: number): Promise<void>;
  status(): LinkStatus;
}
