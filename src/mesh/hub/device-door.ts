import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { CONNECT_PATH } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { createDeviceSocketServer } from './device-socket.ts';

/** A stranger's socket, counted until it is welcomed or gone. */
export interface StrangerSocket {
  socket: WebSocket;
  /** Stops counting it as a stranger. */
  known(): void;
}

/**
 * The HTTP upgrade of device sockets: the one path, no browsers, and few strangers at a time. `isOpen` is asked for
 * each: a mesh that goes down lets nobody in.
 */
export function openDeviceDoor(
  server: Server,
  options: { isOpen: () => boolean; onStranger: (stranger: StrangerSocket) => void },
): void {
  const sockets = createDeviceSocketServer();
  const strangers = new Map<string, number>();
  let total = 0;

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const address = request.socket.remoteAddress ?? '';
    const count = strangers.get(address) ?? 0;
    if (new URL(request.url ?? '/', 'http://mesh').pathname !== CONNECT_PATH)
      return refuse(socket, '404 Not Found');
    // Browsers always send it and devices never do: a page cannot reach a mesh on its visitor's loopback.
    if (request.headers.origin !== undefined) return refuse(socket, '403 Forbidden');
    if (!options.isOpen() || count >= LIMITS.preAuthSocketsPerAddress || total >= LIMITS.preAuthSockets) {
      return refuse(socket, '503 Service Unavailable', 'Retry-After: 5\r\n');
    }
    strangers.set(address, count + 1);
    total += 1;
    let counted = true;
    const known = () => {
      if (!counted) return;
      counted = false;
      total -= 1;
      const left = (strangers.get(address) ?? 1) - 1;
      if (left > 0) strangers.set(address, left);
      else strangers.delete(address);
    };
    socket.on('close', known);
    sockets.handleUpgrade(request, socket, head, (accepted) =>
      options.onStranger({ socket: accepted, known }),
    );
  });
}

function refuse(socket: Duplex, status: string, headers = ''): void {
  socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
