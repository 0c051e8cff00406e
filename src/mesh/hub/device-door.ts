import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { isRunmeshError } from '../../kit/errors.ts';
import { CONNECT_PATH } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { addressOf, networkOf } from '../caller-address.ts';
import type { MeshCore } from '../context.ts';
import { whyNotHere } from '../host-guard.ts';
import { createDeviceSocketServer } from './device-socket.ts';

/** A socket nobody has answered for yet; `known` stops counting it as a stranger's. */
export type OnStranger = (socket: WebSocket, known: () => void) => void;

/** The HTTP upgrade of device sockets: the one path, no browsers, and few strangers at a time. */
export class DeviceDoor {
  readonly #sockets = createDeviceSocketServer();
  /** Sockets of strangers with the networks they came from. */
  readonly #strangers = new Map<Duplex, string>();
  readonly #core: MeshCore;
  readonly #onStranger: OnStranger;
  #open = true;

  constructor(core: MeshCore, server: Server, onStranger: OnStranger) {
    this.#core = core;
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

  #refusalOf(request: IncomingMessage): string | undefined {
    const { url, headers } = request;
    if (url?.split('?')[0] !== CONNECT_PATH) return '404 Not Found';
    // Browsers always send it and devices never do: a page cannot reach a mesh on its visitor's loopback.
    if (headers.origin !== undefined || whyNotHere(request, this.#core) !== undefined) return '403 Forbidden';
    const network = this.#networkOf(request);
    if (!this.#mayCall(network)) return '429 Too Many Requests';
    const neighbours = [...this.#strangers.values()].filter((other) => other === network).length;
    const full =
      neighbours >= LIMITS.preAuthSocketsPerAddress || this.#strangers.size >= LIMITS.preAuthSockets;
    return full || !this.#open ? '503 Service Unavailable' : undefined;
  }

  #networkOf(request: IncomingMessage): string {
    return networkOf(addressOf(request, this.#core.trustedProxy));
  }

  #mayCall(network: string): boolean {
    try {
      this.#core.limits.takeAddress(network);
      return true;
    } catch (error) {
      if (isRunmeshError(error, 'rate_limited')) return false;
      throw error;
    }
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const known = () => this.#strangers.delete(socket);
    this.#strangers.set(socket, this.#networkOf(request));
    socket.on('close', known);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => this.#onStranger(accepted, known));
  }
}

function refuse(socket: Duplex, status: string): void {
  const retry = /^(429|503)/.test(status) ? 'Retry-After: 5\r\n' : '';
  // The server's sockets stay half open after `end`; a stranger gets no more of one than its answer.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\n${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
