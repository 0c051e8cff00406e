import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { CONNECT_PATH } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { createDeviceSocketServer } from './device-socket.ts';

/** A socket nobody has answered for yet; `known` stops counting it as a stranger's. */
export type OnStranger = (socket: WebSocket, known: () => void) => void;

/** The HTTP upgrade of device sockets: the one path, no browsers, and few strangers at a time. */
export class DeviceDoor {
  readonly #sockets = createDeviceSocketServer();
  /** Sockets of strangers with their addresses. */
  readonly #strangers = new Map<Duplex, string>();
  readonly #onStranger: OnStranger;
  #open = true;

  constructor(server: Server, onStranger: OnStranger) {
    this.#onStranger = onStranger;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const refusal = this.#refusalOf(request);
      if (refusal === undefined) this.#admit(request, socket, head);
      else refuse(socket, refusal);
    });
  }

  /** Lets nobody in any more and sends the strangers away. */
  close(): void {
    this.#open = false;
    for (const socket of this.#strangers.keys()) socket.destroy();
  }

  #refusalOf({ url, headers, socket }: IncomingMessage): string | undefined {
    if (url?.split('?')[0] !== CONNECT_PATH) return '404 Not Found';
    // Browsers always send it and devices never do: a page cannot reach a mesh on its visitor's loopback.
    if (headers.origin !== undefined) return '403 Forbidden';
    const neighbours = [...this.#strangers.values()].filter(
      (address) => address === socket.remoteAddress,
    ).length;
    const full =
      neighbours >= LIMITS.preAuthSocketsPerAddress || this.#strangers.size >= LIMITS.preAuthSockets;
    return full || !this.#open ? '503 Service Unavailable' : undefined;
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const known = () => this.#strangers.delete(socket);
    this.#strangers.set(socket, request.socket.remoteAddress ?? '');
    socket.on('close', known);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => this.#onStranger(accepted, known));
  }
}

function refuse(socket: Duplex, status: string): void {
  const retry = status.startsWith('503') ? 'Retry-After: 5\r\n' : '';
  // The server's sockets stay half open after `end`; a stranger gets no more of one than its answer.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
