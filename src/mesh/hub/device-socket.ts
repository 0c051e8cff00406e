import { WebSocket, WebSocketServer } from 'ws';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { SUBPROTOCOL } from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';

/**
 * The library closes by itself, with a WebSocket code, when a frame is too large, torn into too many pieces or not
 * UTF-8. To a device all of that is one thing: it broke the protocol.
 */
class DeviceSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code !== undefined && LIBRARY_CODES.has(code) ? CLOSE_CODES.protocol.code : code, reason);
  }
}

export function createDeviceSocketServer(): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LIMITS.maxFrameBytes,
    maxFragments: LIMITS.maxFragments,
    maxBufferedChunks: LIMITS.maxBufferedChunks,
    WebSocket: DeviceSocket,
    // A device that offers only other versions still gets a socket, to be told so by a close code.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : ([...offered][0] ?? false)),
  });
}

/** Protocol error, bad UTF-8, policy (too many fragments), message too big. */
const LIBRARY_CODES: ReadonlySet<number> = new Set([1002, 1007, 1008, 1009]);
