import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { DeviceClient, linkDevice, type TestDevice } from '../support/device-client.ts';
import {
  expectedOutcomes,
  WEBSOCKET_CASES,
  type WebSocketCase,
  writeCase,
} from '../support/websocket-cases.ts';
import { openMesh } from './harness.ts';

it('takes what RFC 6455 allows, whole, and ends the connection of what it does not, and no other', async () => {
  const mesh = await openMesh();
  const device = await linkDevice(mesh);
  const bystander = await DeviceClient.connect(await linkDevice(mesh, 'bystander'));
  const outcomes: Record<string, string> = {};
  for (const one of WEBSOCKET_CASES) outcomes[one.name] = await outcomeOf(device, one);
  expect(outcomes).toEqual(expectedOutcomes());
  bystander.client.send({ type: 'heartbeat', runs: [] });
  await bystander.client.take('heartbeat');
}, 60_000);

async function outcomeOf(device: TestDevice, { frames, pieceBytes }: WebSocketCase): Promise<string> {
  const { client } = await DeviceClient.connect(device);
  const pongs: string[] = [];
  client.socket.on('pong', (data) => pongs.push(data.toString('hex')));
  const sent = frames(HEARTBEAT);
  await writeCase((client.socket as WebSocket & { _socket: Socket })._socket, sent, 'client', pieceBytes);
  const answered = client.take('heartbeat').then(
    () => true,
    () => false,
  );
  if (await answered) {
    await client.close();
    const pings = sent.filter(({ opcode }) => opcode === 9).map(({ payload }) => Buffer.from(payload ?? ''));
    expect(pongs).toEqual(pings.map((data) => data.toString('hex')));
    return 'taken';
  }
  const { code } = await client.closed;
  if (code === 1000 || code === 1005) return 'closed';
  // A reset may overtake the close of a mesh that did not read to the end.
  return code === 4001 || code === 1006 ? 'refused' : `closed with ${code}`;
}

/** A heartbeat is answered by one; its run nobody knows, and its name is no plain ASCII. */
const HEARTBEAT = JSON.stringify({
  type: 'heartbeat',
  runs: [{ runId: 'run_κόσμε_👩‍👩‍👧_日本語', committed: 0, acked: 0 }],
});
