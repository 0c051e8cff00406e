import { type ClientOptions, WebSocket } from 'ws';
import type { Clock } from '../kit/clock.ts';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { CLOSE_CODES, type CloseReason } from '../protocol/close-codes.ts';
import {
  CONNECT_PATH,
  type DeviceFrame,
  type FrameNamed,
  MESH_FRAMES,
  type MeshFrame,
  SUBPROTOCOL,
} from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';
import { readFrame } from '../protocol/read-frame.ts';

/** What a socket needs on its way, beside the address. */
export type SocketOptions = Pick<ClientOptions, 'agent' | 'ca'>;

export type Welcome = FrameNamed<MeshFrame, 'welcome'>;

/** How a connection ended, or failed to begin. */
export interface Loss {
  code?: number;
  retryAfterMs?: number;
  /** The mesh that answered is not the one this device was linked to. */
  stranger?: boolean;
  /** For the log and the status, never to decide by. */
  reason: string;
}

export class ConnectionLost extends Error {
  readonly loss: Loss;
  constructor(loss: Loss) {
    super(loss.reason);
    this.loss = loss;
  }
}

/** One socket to the mesh, from dial to close. Frames come to `onFrame` in order; nothing here knows what they mean. */
export class Connection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  /** Settles once, when the socket is gone. */
  readonly lost: Promise<Loss>;
  onFrame: (frame: MeshFrame) => void = () => {};
  #lastHeard: number;
  #heardCount = 0;
  #unknown = 0;
  #waiting: MeshFrame[] = [];
  #closing = false;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    this.#lastHeard = clock.monotonic();
    this.lost = new Promise((resolve) => {
      let refusal: Loss | undefined;
      socket.on('unexpected-response', (_request, response) => {
        const seconds = Number(response.headers['retry-after']);
        const retryAfterMs = Number.isFinite(seconds) ? { retryAfterMs: seconds * 1_000 } : {};
        refusal = { ...retryAfterMs, reason: `the mesh answered ${response.statusCode}` };
        socket.terminate();
      });
      socket.on('error', (error) => {
        // Where a name has several addresses Node's error has no sentence of its own, only what they failed by.
        refusal ??= { reason: error.message || codeOf(error, 'the connection failed') };
      });
      socket.on('close', (code, reason) =>
        resolve(refusal ?? { code, reason: reason.toString() || `closed with ${code}` }),
      );
    });
    socket.on('ping', () => this.#heard());
    socket.on('pong', () => this.#heard());
    socket.on('message', (data, isBinary) => this.#take(data.toString(), isBinary));
  }

  /** How many things came from the mesh: two looks that differ mean that somebody is there. */
  get heard(): number {
    return this.#heardCount;
  }

  /** Milliseconds since anything came from the mesh. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastHeard;
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(frame: DeviceFrame): void {
    if (this.open) this.#socket.send(JSON.stringify(frame));
  }

  ping(): void {
    if (this.open) this.#socket.ping();
  }

  close(why: CloseReason, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.close(CLOSE_CODES[why].code, reason.slice(0, 100));
    // The other end may never answer the closing handshake.
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Ends without a handshake: for a peer that may not be there. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Frames that came before `onFrame` was set are handed over first. */
  listen(onFrame: (frame: MeshFrame) => void): void {
    this.onFrame = onFrame;
    for (const frame of this.#waiting.splice(0)) onFrame(frame);
    this.#ready = true;
  }

  #ready = false;

  #take(text: string, isBinary: boolean): void {
    this.#heard();
    // What was on its way already when this end closed.
    if (this.#closing) return;
    const read = isBinary
      ? { kind: 'malformed' as const, reason: 'a binary frame' }
      : readFrame(text, MESH_FRAMES);
    if (read.kind === 'unknown') this.#unknown += 1;
    else if (read.kind === 'malformed') this.close('protocol', read.reason);
    else if (this.#ready) this.onFrame(read.frame);
    else if (this.#waiting.length < MOST_EARLY_FRAMES) this.#waiting.push(read.frame);
  }

  /** The next frame before `listen`, of one type; anything else breaks the handshake. */
  async expect<Name extends MeshFrame['type']>(name: Name): Promise<FrameNamed<MeshFrame, Name>> {
    const deadline = this.#clock.monotonic() + LIMITS.handshakeFrameMs;
    const over = new AbortController();
    try {
      while (this.#waiting.length === 0) {
        const left = deadline - this.#clock.monotonic();
        if (left <= 0) throw this.#fail(`no ${name} within ${LIMITS.handshakeFrameMs} ms`);
        const arrived = new Promise<void>((resolve) => this.#socket.once('message', () => resolve()));
        const loss = await Promise.race([arrived, this.lost, this.#clock.sleep(left, over.signal)]);
        if (loss !== undefined) throw new ConnectionLost(loss);
      }
    } finally {
      over.abort();
    }
    const frame = this.#waiting.shift();
    if (frame?.type !== name) throw this.#fail(`${frame?.type} instead of ${name}`);
    return frame as FrameNamed<MeshFrame, Name>;
  }

  #fail(reason: string): ConnectionLost {
    this.terminate();
    return new ConnectionLost({ code: CLOSE_CODES.silent.code, reason });
  }

  #heard(): void {
    this.#lastHeard = this.#clock.monotonic();
    this.#heardCount += 1;
  }
}

/** Dials the mesh until `signal` aborts. Throws `ConnectionLost`. */
export async function dial(
  meshUrl: string,
  options: SocketOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Connection> {
  // A mesh may live below a path of a server that has others.
  const address = new URL(meshUrl + CONNECT_PATH);
  if (address.protocol !== 'https:' && address.protocol !== 'http:') {
    throw new RunmeshError(
      'mesh_url_invalid',
      `${meshUrl} is not an http or https address. Link this device again.`,
    );
  }
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address, [SUBPROTOCOL], {
    ...options,
    handshakeTimeout: LIMITS.dialMs,
    perMessageDeflate: false,
    maxPayload: LIMITS.maxFrameBytes,
    ...FRAGMENT_LIMITS,
  });
  const connection = new Connection(socket, clock);
  const opened = new Promise<undefined>((resolve) => socket.once('open', () => resolve(undefined)));
  const loss = await endedBy(signal, connection, Promise.race([opened, connection.lost]));
  if (loss !== undefined) throw new ConnectionLost(loss);
  return connection;
}

/** Waits for `work` on a connection that ends when `signal` aborts: a stop waits for no mesh that is a black hole. */
export async function endedBy<T>(signal: AbortSignal, connection: Connection, work: Promise<T>): Promise<T> {
  const end = () => connection.terminate();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  try {
    return await work;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Since ws 8.21, and not in its type declarations yet. */
const FRAGMENT_LIMITS = { maxFragments: LIMITS.maxFragments, maxBufferedChunks: LIMITS.maxBufferedChunks };
const CLOSE_MS = 1_000;
const MOST_EARLY_FRAMES = 100;
