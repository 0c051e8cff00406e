import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { LIMITS } from '../../src/protocol/limits.ts';

/** A frame of RFC 6455, right or wrong. Lengths take the shortest form; `masked` is for what a client sends. */
export interface RawFrame {
  opcode: number;
  payload?: Buffer | string;
  fin?: boolean;
  /** The three reserved bits, 1 to 7. */
  reserved?: number;
  /** Masks against the rule: a server must not, a client must. */
  wrongMask?: boolean;
}

/** A case of the Autobahn test suite that applies to this protocol, by its number there. */
export interface WebSocketCase {
  name: string;
  /** `text` is a message whose taking can be seen from outside. */
  frames: (text: string) => RawFrame[];
  /** Bytes of one write; the default is all frames in one. */
  pieceBytes?: number;
  outcome: 'taken' | 'refused' | 'closed';
}

/** How every case should end, by name. */
export function expectedOutcomes(): Record<string, string> {
  return Object.fromEntries(WEBSOCKET_CASES.map(({ name, outcome }) => [name, outcome]));
}

/** Writes a case's frames: as a client, whose frames are masked, or as a server. */
export async function writeCase(
  socket: Socket,
  frames: RawFrame[],
  as: 'client' | 'server',
  pieceBytes?: number,
) {
  const bytes = Buffer.concat(
    frames.map((frame) => bytesOf(frame, (as === 'client') !== (frame.wrongMask === true))),
  );
  const step = pieceBytes ?? bytes.length;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
    socket.write(bytes.subarray(at, at + step));
    // Pieces of one turn of the event loop would leave as one.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function bytesOf({ opcode, payload = '', fin = true, reserved = 0 }: RawFrame, masked: boolean): Buffer {
  const data = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const head = Buffer.alloc(data.length < 126 ? 2 : data.length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) | (data.length < 126 ? data.length : data.length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(data.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(data.length), 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = randomBytes(4);
  return Buffer.concat([head, mask, data.map((byte, n) => byte ^ (mask[n % 4] ?? 0))]);
}

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** The text in `count` fragments, cut at any byte. */
function fragments(text: string, count: number): RawFrame[] {
  const bytes = Buffer.from(text);
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, n) => ({
    opcode: n === 0 ? TEXT : CONTINUATION,
    payload: bytes.subarray(n * size, (n + 1) * size),
    fin: n === count - 1,
  }));
}

/** JSON allows white space before it ends: how a message gets a length. */
function padded(text: string, bytes: number): string {
  return text + ' '.repeat(bytes - Buffer.byteLength(text));
}

const closing = (code: number, reason: Buffer | string = ''): RawFrame => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(code);
  return { opcode: CLOSE, payload: Buffer.concat([bytes, Buffer.from(reason)]) };
};

const whole = (text: string): RawFrame => ({ opcode: TEXT, payload: text });
const ping = (payload: Buffer | string = ''): RawFrame => ({ opcode: PING, payload });

export const WEBSOCKET_CASES: WebSocketCase[] = [
  ...[125, 126, 127, 128, 65_535, 65_536].map(
    (length): WebSocketCase => ({
      name: `1.1 a text of ${length} bytes, or its own where it has more`,
      frames: (text) => [whole(padded(text, Math.max(length, Buffer.byteLength(text))))],
      outcome: 'taken',
    }),
  ),
  {
    name: '1.1.8 a text in writes of 997 bytes',
    frames: (text) => [whole(padded(text, 65_536))],
    pieceBytes: 997,
    outcome: 'taken',
  },
  { name: '1.2 a binary message', frames: (text) => [{ opcode: BINARY, payload: text }], outcome: 'refused' },
  {
    name: '2.4 a ping of 125 bytes before it',
    frames: (text) => [ping(Buffer.alloc(125, 0xfe)), whole(text)],
    outcome: 'taken',
  },
  { name: '2.5 a ping of 126 bytes', frames: () => [ping(Buffer.alloc(126))], outcome: 'refused' },
  {
    name: '2.6 a ping in single bytes',
    frames: (text) => [ping('x'.repeat(125)), whole(text)],
    pieceBytes: 1,
    outcome: 'taken',
  },
  {
    name: '2.7 a pong nobody asked for',
    frames: (text) => [{ opcode: PONG, payload: 'x' }, whole(text)],
    outcome: 'taken',
  },
  {
    name: '2.10 ten pings',
    frames: (text) => [...Array.from({ length: 10 }, (_, n) => ping(`${n}`)), whole(text)],
    outcome: 'taken',
  },
  ...[1, 2, 4, 7].map(
    (reserved): WebSocketCase => ({
      name: `3 reserved bits ${reserved.toString(2)}`,
      frames: (text) => [{ ...whole(text), reserved }],
      outcome: 'refused',
    }),
  ),
  {
    name: '3.7 reserved bits on a close',
    frames: () => [{ ...closing(1000), reserved: 1 }],
    outcome: 'refused',
  },
  ...[3, 7, 11, 15].map(
    (opcode): WebSocketCase => ({
      name: `4 the opcode ${opcode}`,
      frames: () => [{ opcode, payload: 'x' }],
      outcome: 'refused',
    }),
  ),
  {
    name: '5.1 a ping in fragments',
    frames: () => [
      { ...ping('x'), fin: false },
      { opcode: CONTINUATION, payload: 'y' },
    ],
    outcome: 'refused',
  },
  { name: '5.3 two fragments', frames: (text) => fragments(text, 2), outcome: 'taken' },
  {
    name: '5.5 two fragments in single bytes',
    frames: (text) => fragments(text, 2),
    pieceBytes: 1,
    outcome: 'taken',
  },
  {
    name: '5.6 a ping between two fragments',
    frames: (text) => {
      const [first, second] = fragments(text, 2) as [RawFrame, RawFrame];
      return [first, ping('between'), second];
    },
    outcome: 'taken',
  },
  {
    name: '5.9 a continuation of nothing',
    frames: (text) => [{ opcode: CONTINUATION, payload: text }],
    outcome: 'refused',
  },
  {
    name: '5.18 a new text inside a fragmented one',
    frames: (text) => [{ ...whole(text), fin: false }, whole(text)],
    outcome: 'refused',
  },
  {
    name: '5.20 as many fragments as are allowed',
    frames: (text) => fragments(text, LIMITS.maxFragments),
    outcome: 'taken',
  },
  {
    name: '5.20 a fragment too many',
    frames: (text) => fragments(padded(text, 4_096), LIMITS.maxFragments + 1),
    outcome: 'refused',
  },
  {
    name: '6.2 characters cut in the middle, by fragments and by writes',
    frames: (text) => fragments(text, 40),
    pieceBytes: 3,
    outcome: 'taken',
  },
  {
    name: '6.3 bytes that are no UTF-8',
    frames: () => [{ opcode: TEXT, payload: Buffer.from('22cebae1bdb9cf83ceb5eda08065646974656422', 'hex') }],
    outcome: 'refused',
  },
  {
    name: '6.4 bytes that are no UTF-8, in a second fragment',
    frames: () => [
      { opcode: TEXT, payload: '"κόσμε', fin: false },
      { opcode: CONTINUATION, payload: Buffer.from('f4908080', 'hex') },
    ],
    outcome: 'refused',
  },
  {
    name: '6.19 half a surrogate pair',
    frames: () => [{ opcode: TEXT, payload: Buffer.from('22edbfbf22', 'hex') }],
    outcome: 'refused',
  },
  {
    name: '6.8 an overlong form',
    frames: () => [{ opcode: TEXT, payload: Buffer.from('22c0af22', 'hex') }],
    outcome: 'refused',
  },
  { name: '7.1 a close', frames: () => [closing(1000)], outcome: 'closed' },
  {
    name: '7.1.5 a close inside a fragmented text',
    frames: (text) => [{ ...whole(text), fin: false }, closing(1000)],
    outcome: 'closed',
  },
  { name: '7.3.1 a close without a code', frames: () => [{ opcode: CLOSE }], outcome: 'closed' },
  { name: '7.3.2 a close of one byte', frames: () => [{ opcode: CLOSE, payload: 'x' }], outcome: 'refused' },
  {
    name: '7.3.5 a close with a reason of 123 bytes',
    frames: () => [closing(1000, 'x'.repeat(123))],
    outcome: 'closed',
  },
  {
    name: '7.3.6 a close with a reason of 124 bytes',
    frames: () => [closing(1000, 'x'.repeat(124))],
    outcome: 'refused',
  },
  {
    name: '7.5 a close whose reason is no UTF-8',
    frames: () => [closing(1000, Buffer.from('edbfbf', 'hex'))],
    outcome: 'refused',
  },
  ...[0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000, 65_535].map(
    (code): WebSocketCase => ({
      name: `7.9 a close with the code ${code}`,
      frames: () => [closing(code)],
      outcome: 'refused',
    }),
  ),
  {
    name: '9.1 as many bytes as a frame may have',
    frames: (text) => [whole(padded(text, LIMITS.maxFrameBytes))],
    outcome: 'taken',
  },
  {
    name: '9.1 a byte too many',
    frames: (text) => [whole(padded(text, LIMITS.maxFrameBytes + 1))],
    outcome: 'refused',
  },
  {
    name: '9.3 as many bytes, in fragments',
    frames: (text) => fragments(padded(text, LIMITS.maxFrameBytes), 60),
    outcome: 'taken',
  },
  {
    name: '9.3 a byte too many, in fragments',
    frames: (text) => fragments(padded(text, LIMITS.maxFrameBytes + 1), 60),
    outcome: 'refused',
  },
  {
    name: 'RFC 6455 5.1 a frame masked against the rule',
    frames: (text) => [{ ...whole(text), wrongMask: true }],
    outcome: 'refused',
  },
];
