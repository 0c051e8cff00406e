import type { WebSocket } from 'ws';
import { isoTime } from '../../kit/clock.ts';
import { CLOSE_CODES, type CloseReason } from '../../protocol/close-codes.ts';
import {
  DEVICE_FRAMES,
  type DeviceFrame,
  type FrameNamed,
  type MeshFrame,
  SUBPROTOCOL,
} from '../../protocol/frames.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { readFrame } from '../../protocol/read-frame.ts';
import { helloText } from '../../protocol/signing.ts';
import type { MeshCore } from '../context.ts';
import { findNode, type NodeRow } from '../store/nodes.ts';
import { verifyText } from '../verify-text.ts';

export type Hello = FrameNamed<DeviceFrame, 'hello'>;

/**
 * Challenges a stranger and takes exactly one frame from it. `onHello` is called in the very turn the frame came, so
 * that whoever takes over misses no frame after it.
 */
export function challengeDevice(
  core: MeshCore,
  socket: WebSocket,
  onHello: (node: NodeRow, hello: Hello) => void,
): void {
  const nonce = core.random.bytes(32).toString('base64url');
  const waiting = new AbortController();
  const refuse = (why: CloseReason, reason: string) => {
    waiting.abort();
    core.log.info({ code: CLOSE_CODES[why].code, reason }, 'device refused');
    socket.close(CLOSE_CODES[why].code, reason.slice(0, 100));
  };

  socket.on('error', () => waiting.abort());
  socket.once('close', () => waiting.abort());
  let pings = 0;
  socket.on('ping', () => {
    pings += 1;
    if (!waiting.signal.aborted && pings > LIMITS.pingsPerHeartbeat) refuse('protocol', 'too many pings');
  });
  if (socket.protocol !== SUBPROTOCOL) {
    refuse('version', `this mesh speaks ${SUBPROTOCOL}`);
    return;
  }
  socket.once('message', (data: Buffer, isBinary: boolean) => {
    if (waiting.signal.aborted) return;
    const verdict = judgeHello(core, nonce, data, isBinary);
    if ('why' in verdict) return refuse(verdict.why, verdict.reason);
    waiting.abort();
    onHello(verdict.node, verdict.hello);
  });
  void core.clock.sleep(LIMITS.handshakeFrameMs, waiting.signal).then(() => {
    // No closing handshake: whoever is silent now would be silent then.
    if (!waiting.signal.aborted) socket.terminate();
  });
  const challenge: MeshFrame = { type: 'challenge', nonce, serverTime: isoTime(core.clock.now()) };
  socket.send(JSON.stringify(challenge));
}

type HelloVerdict = { node: NodeRow; hello: Hello } | { why: CloseReason; reason: string };

function judgeHello(core: MeshCore, nonce: string, data: Buffer, isBinary: boolean): HelloVerdict {
  if (isBinary) return { why: 'protocol', reason: 'binary frame' };
  if (data.length > LIMITS.preAuthFrameBytes)
    return { why: 'protocol', reason: 'frame too large before hello' };
  const read = readFrame(data.toString(), DEVICE_FRAMES);
  if (read.kind === 'malformed') return { why: 'protocol', reason: read.reason };
  if (read.kind === 'unknown' || read.frame.type !== 'hello')
    return { why: 'protocol', reason: 'hello expected' };
  const hello = read.frame;
  const node = findNode(core.store, hello.deviceId);
  if (node === undefined || !isSignedBy(node, hello, nonce, core.origins)) {
    return { why: 'auth', reason: 'unknown device or wrong signature' };
  }
  if (node.revokedAt !== null) return { why: 'revoked', reason: 'the owner revoked this device' };
  return { node, hello };
}

function isSignedBy(node: NodeRow, hello: Hello, nonce: string, origins: readonly string[]): boolean {
  return origins.some((origin) => {
    return verifyText(node.publicKey, helloText({ nonce, deviceId: node.id, origin }), hello.signature);
  });
}
