import { hasMessage } from '../journal/read-events.ts';
import { isRunmeshError, messageOf } from '../kit/errors.ts';
import type { DeviceFrame, DispatchOrder, FrameNamed, MeshFrame } from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Connection, Loss, Welcome } from './connection.ts';
import { DeltaStream } from './delta-stream.ts';
import { OrderFetches } from './fetch-order.ts';
import { heartbeatOf } from './heartbeat.ts';
import { Outbox } from './outbox.ts';
import type { LinkOptions } from './ports.ts';
import { publishOverHttp } from './publish-over-http.ts';
import { watchSilence } from './silence.ts';

/**
 * One welcomed connection: orders in, events and deltas out, heartbeats both ways. Made anew for each connection, so that
 * nothing of an old one can be taken for the new one's.
 */
export class Session {
  readonly connection: Connection;
  readonly sessionId: string;
  readonly #options: LinkOptions;
  readonly #outbox: Outbox;
  readonly #deltas: DeltaStream;
  readonly #heartbeatMs: number;
  /** What the mesh asked for the next connection. */
  #retryAfterMs: number | undefined;
  readonly #fetches: OrderFetches;
  /** The connection is lost, and whatever it began over HTTP with it. */
  readonly #over = new AbortController();
  /** How far each run was sent at the last heartbeat: what the mesh still lacks at the next one is a hole. */
  #sentAtBeat = new Map<string, number>();

  constructor(connection: Connection, welcome: Welcome, options: LinkOptions) {
    this.connection = connection;
    this.sessionId = welcome.sessionId;
    this.#options = options;
    this.#fetches = new OrderFetches(options.access, this.#over.signal);
    this.#heartbeatMs = clamp(welcome.heartbeatMs, LIMITS.heartbeatMinMs, LIMITS.heartbeatMaxMs);
    const forgotten = welcome.runs.filter(({ verdict }) => verdict === 'forget');
    for (const { runId } of forgotten) this.#takeSafely('forget', () => options.orders.forget(runId));
    this.#deltas = new DeltaStream(
      {
        send: (frame) => connection.send(frame),
        bufferedBytes: () => connection.bufferedBytes,
        liveTexts: options.liveTexts,
        isSaid: (runId, messageId) => hasMessage(options.journal, runId, messageId),
      },
      welcome.runs,
    );
    this.#outbox = new Outbox(
      {
        journal: options.journal,
        send: (frame) => connection.send(frame),
        sendLarge: (cursor, event) => {
          publishOverHttp(options.access, options.journal, cursor, [event], this.#over.signal)
            .then((acked) => this.#outbox.acked(cursor.runId, acked))
            .catch((error) => {
              if (this.#over.signal.aborted) return;
              options.log.warn(
                { runId: cursor.runId, reason: messageOf(error) },
                'a large event was not taken',
              );
              connection.close('normal', 'a large event could not be sent');
            });
        },
        beforeSending: (runId) => this.#deltas.flush(runId),
        windowBytes: welcome.window,
        maxFrameBytes: Math.min(welcome.maxFrameBytes, LIMITS.maxFrameBytes),
      },
      new Map(welcome.runs.map(({ runId, ackedRunSequence }) => [runId, ackedRunSequence])),
    );
    // One that could not be forgotten yet says nothing here: the mesh would close at its next word.
    for (const { runId } of forgotten) this.#outbox.forget(runId);
    for (const { runId, ackedRunSequence, verdict } of welcome.runs) {
      if (verdict === 'forget') continue;
      this.#outbox.acked(runId, ackedRunSequence);
      if (verdict === 'cancel') this.#takeSafely('cancel', () => options.orders.cancel(runId, WHILE_AWAY));
    }
  }

  /** Serves the connection until it is lost. */
  async serve(): Promise<Loss> {
    const { signal } = this.#over;
    this.connection.listen((frame) => this.#takeSafely(frame.type, () => this.#take(frame)));
    this.#outbox.drain();
    const { clock } = this.#options;
    const silence = watchSilence(this.connection, this.#heartbeatMs, clock, signal);
    const loops = [this.#beat(signal), silence];
    try {
      const loss = await this.connection.lost;
      return this.#retryAfterMs === undefined ? loss : { ...loss, retryAfterMs: this.#retryAfterMs };
    } finally {
      this.#over.abort();
      this.#deltas.stop();
      await Promise.all(loops);
    }
  }

  committed(runId: string): void {
    this.#outbox.committed(runId);
    this.#deltas.committed(runId);
  }

  delta(runId: string, delta: Parameters<DeltaStream['add']>[1]): void {
    this.#deltas.add(runId, delta);
  }

  settle(runId: string): void {
    this.#deltas.flush(runId);
  }

  /** Whether the mesh has acknowledged everything. */
  get settled(): boolean {
    return this.#outbox.positions().every(({ committed, acked }) => acked >= committed);
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    // The first after a random part, so that devices that came back together do not beat together.
    await clock.sleep(this.#heartbeatMs * random.unit(), signal);
    while (!signal.aborted) {
      const positions = this.#outbox.positions();
      this.#takeSafely('heartbeat', () =>
        this.connection.send(heartbeatOf(this.#options.journal, positions)),
      );
      await clock.sleep(this.#heartbeatMs, signal);
      this.#sentAtBeat = new Map(positions.map(({ runId, sent }) => [runId, sent]));
    }
  }

  /**
   * An order that could not be committed is not answered, so the mesh gives it again. Whatever else goes wrong with one ends
   * its connection, and never the process: the mesh would give it to the next one at once.
   */
  #takeSafely(what: string, take: () => void): void {
    const { log } = this.#options;
    try {
      take();
    } catch (error) {
      if (isRunmeshError(error, 'disk_full')) {
        log.warn({ what, reason: messageOf(error) }, 'an order waits for space on the disk');
        return;
      }
      log.error({ what, reason: messageOf(error) }, 'an order could not be taken');
      this.connection.close('normal', 'an order could not be taken');
    }
  }

  #take(frame: MeshFrame): void {
    const { orders } = this.#options;
    switch (frame.type) {
      case 'dispatch':
        this.#dispatch(frame);
        break;
      case 'dispatch_ref':
        this.#fetchOrder(frame);
        break;
      case 'ack':
        this.#outbox.acked(frame.runId, frame.runSequence);
        break;
      case 'heartbeat':
        for (const { runId, acked } of frame.runs) {
          this.#outbox.acked(runId, acked);
          this.#outbox.check(runId, acked, this.#sentAtBeat.get(runId) ?? 0);
        }
        break;
      case 'cancel':
        this.#answer(frame, orders.cancel(frame.runId, frame.reason));
        break;
      case 'steer':
        this.#answer(frame, orders.steer(frame.runId, frame.orderId, frame.text));
        break;
      case 'approval': {
        const { runId, approvalId, decision, words } = frame;
        this.#answer(
          frame,
          orders.approve(runId, approvalId, { decision, ...(words !== undefined && { words }) }),
        );
        break;
      }
      case 'drain':
        this.#retryAfterMs = frame.retryAfterMs;
        break;
      case 'goodbye':
        this.connection.close('normal', 'goodbye');
        break;
      case 'challenge':
      case 'welcome':
        this.connection.close('protocol', `a second ${frame.type}`);
        break;
    }
  }

  #dispatch(order: DispatchOrder): void {
    const { runId, attempt } = order;
    const answer = this.#isForUs(order) ? this.#options.orders.dispatch(order) : FOR_ANOTHER;
    if (answer.accepted) this.connection.send({ type: 'accepted', runId, attempt });
    else this.#reject(order, answer.code, answer.message);
  }

  #reject(run: Pick<DispatchOrder, 'runId' | 'attempt'>, code: Rejection, message: string): void {
    const { runId, attempt } = run;
    this.connection.send({ type: 'rejected', runId, attempt, code, message });
  }

  #isForUs({ agent }: DispatchOrder): boolean {
    return agent.targetDeviceId === undefined || agent.targetDeviceId === this.#options.identity.deviceId;
  }

  /** An order that does not fit a frame. When it cannot be fetched the mesh sends it again in a while. */
  #fetchOrder({ runId, attempt, path }: FrameNamed<MeshFrame, 'dispatch_ref'>): void {
    const address = this.#fetches.addressOf(path);
    if (address === undefined) return this.connection.close('protocol', 'an order from elsewhere');
    this.#fetches
      .fetch(address, runId)
      .then((fetched) => {
        if (fetched?.order !== undefined) this.#dispatch(fetched.order);
        if (fetched?.refused !== undefined) this.#reject({ runId, attempt }, 'invalid', fetched.refused);
      })
      .catch((error) =>
        this.#options.log.warn({ runId, reason: messageOf(error) }, 'an order could not be fetched'),
      );
  }

  #answer(
    { runId, orderId }: { runId: string; orderId: string },
    result: ReturnType<LinkOptions['orders']['cancel']>,
  ): void {
    this.connection.send({ type: 'order_result', runId, orderId, ...result });
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

const WHILE_AWAY = 'cancelled while this device was away';

type Rejection = FrameNamed<DeviceFrame, 'rejected'>['code'];

const FOR_ANOTHER = {
  accepted: false,
  code: 'forbidden',
  message: 'The agent of this run is bound to another device.',
} as const;
