import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { DeviceFrame, FrameNamed, MeshFrame } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';

/** One connection of a device to a mesh that does only what the test says. */
export interface MeshSide {
  readonly frames: DeviceFrame[];
  send(frame: MeshFrame): void;
  /** Bytes as they are, framed or not. */
  readonly raw: Socket;
  /** From now on nothing is read and nothing answered, pings included: the socket is open and nobody is there. */
  freeze(): void;
  thaw(): void;
  close(code: number): void;
  readonly closed: Promise<number>;
}

/**
 * The mesh's end of a real WebSocket, for what an honest mesh never does: go silent, say half, close with any code. It
 * shakes hands by itself and verifies no signature; `welcome` may be changed.
 */
export async function startLyingMesh(
  welcome: Partial<FrameNamed<MeshFrame, 'welcome'>> = {},
  { port = 0, answer = nothingThere }: { port?: number; answer?: RequestListener } = {},
) {
  const http = createServer(answer);
  const server = new WebSocketServer({ server: http });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  const connections: MeshSide[] = [];
  let look = () => {};
  server.on('connection', (socket) => {
    const side = sideOf(socket, welcome);
    connections.push(side);
    look();
  });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    http.closeAllConnections();
    http.close();
  });
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    connections,
    /** The `n`-th connection that was ever made, from 1. */
    connection: async (n: number): Promise<MeshSide> => {
      while (connections[n - 1] === undefined) {
        await new Promise<void>((resolve) => {
          look = resolve;
        });
      }
      return connections[n - 1] as MeshSide;
    },
  };
}

const nothingThere: RequestListener = (_request, response) => response.writeHead(404).end();

function sideOf(socket: WebSocket, welcome: Partial<FrameNamed<MeshFrame, 'welcome'>>): MeshSide {
  const frames: DeviceFrame[] = [];
  const send = (frame: MeshFrame) => socket.send(JSON.stringify(frame));
  socket.on('error', () => {});
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as DeviceFrame;
    frames.push(frame);
    if (frame.type !== 'hello') return;
    send({
      type: 'welcome',
      sessionId: 'ses',
      meshEpoch: 'epoch',
      heartbeatMs: LIMITS.heartbeatMs,
      window: LIMITS.windowBytes,
      maxFrameBytes: LIMITS.maxFrameBytes,
      runs: [],
      ...welcome,
    });
  });
  send({ type: 'challenge', nonce: 'nonce', serverTime: '2026-01-01T00:00:00.000Z' });
  return {
    frames,
    send,
    raw: (socket as WebSocket & { _socket: Socket })._socket,
    freeze: () => socket.pause(),
    thaw: () => socket.resume(),
    close: (code) => socket.close(code),
    closed: new Promise((resolve) => socket.once('close', resolve)),
  };
}
