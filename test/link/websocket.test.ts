import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { systemClock } from '../../src/kit/clock.ts';
import { dial } from '../../src/link/connection.ts';
import { OrderFetches } from '../../src/link/fetch-order.ts';
import type { MeshFrame } from '../../src/protocol/frames.ts';
import { startLyingMesh } from '../support/lying-mesh.ts';
import {
  expectedOutcomes,
  WEBSOCKET_CASES,
  type WebSocketCase,
  writeCase,
} from '../support/websocket-cases.ts';

it('takes what RFC 6455 allows, whole, and ends a connection that brings what it does not', async () => {
  const mesh = await startLyingMesh();
  const outcomes: Record<string, string> = {};
  for (const [n, one] of WEBSOCKET_CASES.entries()) outcomes[one.name] = await outcomeOf(mesh, n + 1, one);
  expect(outcomes).toEqual(expectedOutcomes());
}, 60_000);

it('is dialled, and asked for a large order, below the path that the mesh was linked at', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => void server.close());
  const dialled = new Promise<string | undefined>((resolve) =>
    server.once('connection', (_, { url }) => resolve(url)),
  );
  await once(server, 'listening');
  const meshUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/runmesh`;
  const connection = await dial(meshUrl, {}, systemClock, new AbortController().signal);
  expect(await dialled).toBe('/runmesh/v1/runmesh/devices/connect');
  connection.terminate();
  const orders = new OrderFetches({ meshUrl, apiKey: 'key', fetch }, new AbortController().signal);
  expect(orders.addressOf('/v1/x')?.href).toBe(`${meshUrl}/v1/x`);
  expect(orders.addressOf('//evil.example/x')).toBeUndefined();
  expect(orders.addressOf('https://evil.example/x')).toBeUndefined();
});

async function outcomeOf(
  mesh: Awaited<ReturnType<typeof startLyingMesh>>,
  n: number,
  { frames, pieceBytes }: WebSocketCase,
): Promise<string> {
  const connection = await dial(mesh.url, {}, systemClock, new AbortController().signal);
  const side = await mesh.connection(n);
  await connection.expect('challenge');
  const taken = new Promise<MeshFrame>((resolve) => connection.listen(resolve));
  await writeCase(side.raw, frames(ORDER), 'server', pieceBytes);
  const frame = await Promise.race([taken, connection.lost.then(() => undefined)]);
  if (frame !== undefined) {
    expect(frame).toEqual(JSON.parse(ORDER));
    connection.terminate();
    return 'taken';
  }
  const code = await side.closed;
  return code === 1000 || code === 1005 ? 'closed' : BROKEN.has(code) ? 'refused' : `closed with ${code}`;
}

const ORDER = JSON.stringify({
  type: 'steer',
  runId: 'run_1',
  orderId: 'order_1',
  text: 'κόσμε 👩‍👩‍👧 日本語',
});

/** The library's own words for a broken frame, the protocol's, and a connection that is simply gone. */
const BROKEN: ReadonlySet<number> = new Set([1002, 1006, 1007, 1008, 1009, 4001]);
