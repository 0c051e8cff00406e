import type { Server } from 'node:http';
import type { WebSocket } from 'ws';
import { messageOf } from '../../kit/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { Node } from '../../protocol/nodes.ts';
import type { Devices, MeshCore } from '../context.ts';
import { findNode, type NodeRow, recordHeard, recordHello } from '../store/nodes.ts';
import { unfinishedRuns } from '../store/unfinished-runs.ts';
import { DeviceConnection } from './connection.ts';
import { DeviceDoor } from './device-door.ts';
import { challengeDevice, type Hello } from './handshake.ts';
import { judgeRuns } from './judge-runs.ts';
import { serveDevice } from './serve-device.ts';
import { takeFrame } from './take-frame.ts';

interface Presence {
  status: Node['status'];
  lastHeardAt: number | null;
}

/** The devices that are connected now, one connection each. */
export class DeviceHub implements Devices {
  readonly #core: MeshCore;
  readonly #door: DeviceDoor;
  readonly #connections = new Map<string, DeviceConnection>();
  /** How devices left that were here since the mesh started. */
  readonly #departed = new Map<string, Presence>();
  /** When newer connections took over, by device. */
  readonly #takeovers = new Map<string, number[]>();
  #onAllGone = () => {};

  constructor(core: MeshCore, server: Server) {
    this.#core = core;
    this.#door = new DeviceDoor(core, server, (socket, known) => this.#meet(socket, known));
  }

  isOnline(deviceId: string): boolean {
    return this.#connections.get(deviceId)?.ended === undefined && this.#connections.has(deviceId);
  }

  presence(deviceId: string): Presence {
    const connection = this.#connections.get(deviceId);
    if (connection === undefined)
      return this.#departed.get(deviceId) ?? { status: 'offline', lastHeardAt: null };
    const silent = connection.silentMs() > LIMITS.deviceUnreachableMs;
    return { status: silent ? 'unreachable' : 'online', lastHeardAt: connection.lastHeardAt };
  }

  serve(deviceId: string): void {
    const connection = this.#connections.get(deviceId);
    if (connection !== undefined) serveDevice(this.#core, connection);
  }

  close(deviceId: string, why: 'revoked' | 'auth'): void {
    this.#connections.get(deviceId)?.close(why);
  }

  /** Once a second or so: heartbeats, silence, and dispatches that were not answered. */
  tick(): void {
    for (const connection of [...this.#connections.values()]) {
      if (connection.silentMs() > 2 * LIMITS.heartbeatMs + LIMITS.silenceGraceMs) {
        connection.terminate();
        continue;
      }
      if (connection.takeHeartbeatDue()) {
        const taken = unfinishedRuns(this.#core.store, connection.deviceId).filter(
          (run) => run.status !== 'registered',
        );
        const runs = taken.map((run) => ({ runId: run.id, acked: run.lastRunSequence }));
        connection.send({ type: 'heartbeat', runs });
        this.#noteHeard(connection);
      }
      serveDevice(this.#core, connection);
    }
  }

  /** Sends every device away, to come back after `retryAfterMs`, and lets nobody in. */
  async drain(retryAfterMs: number): Promise<void> {
    this.#door.close();
    const leaving = [...this.#connections.values()];
    for (const connection of leaving) {
      connection.send({ type: 'drain', reason: 'the mesh is going down', retryAfterMs });
      connection.close('restart');
    }
    const late = new AbortController();
    const gone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve;
    });
    if (this.#connections.size > 0) await Promise.race([gone, this.#core.clock.sleep(DRAIN_MS, late.signal)]);
    late.abort();
    for (const connection of this.#connections.values()) connection.terminate();
  }

  #meet(socket: WebSocket, known: () => void): void {
    challengeDevice(this.#core, socket, (node, hello) => {
      known();
      const identity = {
        deviceId: node.id,
        sessionId: this.#core.random.uuid(),
        journalEpoch: hello.journalEpoch,
      };
      const connection = new DeviceConnection(this.#core, socket, identity, {
        onFrame: (from, frame) => takeFrame(this.#core, from, frame),
        onGone: (gone) => this.#forget(gone),
      });
      try {
        this.#welcome(connection, node, hello);
      } catch (error) {
        // A full disk, say. The device comes again, and the others are not to pay for it.
        this.#core.log.error(
          { deviceId: node.id, error: messageOf(error) },
          'a device could not be welcomed',
        );
        connection.close('restart');
      }
    });
  }

  #welcome(connection: DeviceConnection, node: NodeRow, hello: Hello): void {
    const { store, clock, log } = this.#core;
    const older = this.#connections.get(node.id);
    this.#connections.set(node.id, connection);
    if (older !== undefined) this.#takeOver(older);
    recordHello(store, node.id, hello, clock.now());
    connection.send({
      type: 'welcome',
      sessionId: connection.sessionId,
      meshEpoch: store.meshEpoch,
      heartbeatMs: LIMITS.heartbeatMs,
      window: LIMITS.windowBytes,
      maxFrameBytes: LIMITS.maxFrameBytes,
      runs: judgeRuns(this.#core, node.id, hello),
    });
    log.info({ deviceId: node.id, sessionId: connection.sessionId }, 'device connected');
    serveDevice(this.#core, connection);
  }

  /** One device seldom takes over from itself; two daemons that have its key do it all the time. */
  #takeOver(older: DeviceConnection): void {
    const { deviceId } = older;
    const { clock, log } = this.#core;
    const now = clock.monotonic();
    const lately = (this.#takeovers.get(deviceId) ?? []).filter((at) => now - at < LIMITS.replacedWithinMs);
    this.#takeovers.set(deviceId, [...lately, now]);
    if (lately.length + 1 >= LIMITS.replacedTimes) {
      log.warn({ deviceId, alarm: 'duplicate_identity' }, 'the key of a device seems to be in use twice');
    }
    older.close('replaced');
  }

  #forget(connection: DeviceConnection): void {
    const { deviceId, lastHeardAt } = connection;
    if (this.#connections.get(deviceId) !== connection) return;
    this.#connections.delete(deviceId);
    this.#departed.set(deviceId, {
      status: connection.ended === 'silent' ? 'unreachable' : 'offline',
      lastHeardAt,
    });
    this.#noteHeard(connection);
    this.#core.log.info({ deviceId, unknownFrames: connection.unknownFrames }, 'device gone');
    if (this.#connections.size === 0) this.#onAllGone();
  }

  /** When a device was last heard is worth a line of the log where it cannot be stored (a full disk), not the mesh. */
  #noteHeard({ deviceId, lastHeardAt }: DeviceConnection): void {
    const { store, log } = this.#core;
    try {
      if (findNode(store, deviceId) !== undefined) recordHeard(store, deviceId, lastHeardAt);
    } catch (error) {
      log.warn({ deviceId, error: messageOf(error) }, 'when a device was last heard could not be stored');
    }
  }
}

/** How long a mesh that goes down waits for closing handshakes. */
const DRAIN_MS = 2_000;
