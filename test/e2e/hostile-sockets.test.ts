import { execFileSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { CONNECT_PATH, SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { House } from '../support/house.ts';
import { type RawFrame, writeCase } from '../support/websocket-cases.ts';

it.skipIf(process.platform !== 'linux')(
  'fifty sockets that send tiny fragments, and come again, cost the mesh less than 30 MB (other addresses of loopback are Linux’s)',
  async () => {
    const house = new House();
    await house.startMesh();
    const before = residentBytes(house);
    let most = before;
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => sendFragments(house, addressOf(n))));
      most = Math.max(most, residentBytes(house));
    }
    expect(most - before).toBeLessThan(30 * 1_048_576);
    expect((await fetch(`${house.url}/healthz`)).status).toBe(200);
  },
  120_000,
);

/** Twenty sockets wait for one address, so fifty come from three. */
function addressOf(n: number): string {
  return `127.0.0.${1 + Math.floor(n / LIMITS.preAuthSocketsPerAddress)}`;
}

/** One message that never ends: as many pieces of a byte as are allowed, in writes of a byte; then one more. */
async function sendFragments(house: House, localAddress: string): Promise<void> {
  const socket = new WebSocket(house.url.replace('http', 'ws') + CONNECT_PATH, SUBPROTOCOL, { localAddress });
  onTestFinished(() => socket.terminate());
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => socket.on('open', resolve));
  const piece = (opcode: number): RawFrame => ({ opcode, payload: 'x', fin: false });
  const pieces = [piece(1), ...Array.from({ length: LIMITS.maxFragments - 1 }, () => piece(0))];
  const raw = (socket as WebSocket & { _socket: Socket })._socket;
  await writeCase(raw, pieces, 'client', 1);
  await writeCase(raw, [piece(0)], 'client');
  await closed;
}

function residentBytes({ mesh }: House): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(mesh?.child.pid)])) * 1_024;
}
