import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CONNECT_PATH, SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { helloText } from '../../src/protocol/signing.ts';
import { createDeviceKey, DeviceClient, linkDevice, signText } from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  acceptDispatch,
  completed,
  event,
  eventually,
  openBoundMesh,
  openMesh,
  sendEvents,
  startRun,
} from './harness.ts';

describe('the handshake', () => {
  it('welcomes a device with the numbers of the protocol', async () => {
    const mesh = await openMesh();
    const { welcome } = await DeviceClient.connect(await linkDevice(mesh));
    expect(welcome).toMatchObject({
      heartbeatMs: 15_000,
      window: 1_048_576,
      maxFrameBytes: 1_048_576,
      runs: [],
    });
    expect(welcome.meshEpoch).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('refuses with 4503 an unknown device, a wrong key, another origin and a replayed hello', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const refused = async (as: typeof device, hello = {}) => {
      const client = new DeviceClient(mesh.url);
      await client.sayHello(as, hello);
      return (await client.closed).code;
    };
    expect(await refused({ ...device, deviceId: 'dev_none' })).toBe(4503);
    expect(await refused({ ...device, privateKey: createDeviceKey().privateKey })).toBe(4503);
    expect(await refused({ ...device, origin: 'https://evil.example' })).toBe(4503);
    const { deviceId, origin } = device;
    const stale = signText(device.privateKey, helloText({ nonce: 'an older one', deviceId, origin }));
    expect(await refused(device, { signature: stale })).toBe(4503);
    expect(await refused(device, { signature: 'short' })).toBe(4503);
  });

  it('is told what a device can do, at hello and when that changes, and shows it', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const { client } = await DeviceClient.connect(device);
    const shown = async () => {
      const { data } = await mesh.call('GET', '/v1/runmesh/nodes');
      return (data as { capabilities: { workspaces: string[] } }[])[0]?.capabilities.workspaces;
    };
    const capabilities = { tools: [], workspaces: ['default', 'second'], maxConcurrentRuns: 1 };
    client.send({ type: 'capabilities', capabilities });
    expect(await eventually(shown, (workspaces) => workspaces?.length === 2)).toEqual(['default', 'second']);
    client.send({ type: 'capabilities', capabilities: { ...capabilities, workspaces: 'all' as never } });
    expect((await client.closed).code).toBe(4001);
  });

  it('refuses anything but one hello of at most 64 KiB', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const first = new DeviceClient(mesh.url);
    await first.take('challenge');
    first.send({ type: 'goodbye', reason: 'not yet' });
    expect((await first.closed).code).toBe(4001);
    const large = new DeviceClient(mesh.url);
    await large.sayHello(device, { hostname: 'h'.repeat(65_536) });
    expect((await large.closed).code).toBe(4001);
    const { client } = await DeviceClient.connect(device);
    const capabilities = { tools: [], workspaces: [], maxConcurrentRuns: 1 };
    const words = { signature: '', agentVersion: '', os: '', hostname: '', journalEpoch: '' };
    client.send({ type: 'hello', deviceId: device.deviceId, capabilities, runs: [], ...words });
    expect((await client.closed).code).toBe(4001);
  });

  it('cuts a stranger who says nothing for five seconds', async () => {
    const clock = new FakeClock();
    const mesh = await openMesh({ clock });
    const client = new DeviceClient(mesh.url);
    await client.take('challenge');
    await clock.advance(5_000);
    expect((await client.closed).code).toBe(1006);
  });

  it('lets twenty strangers of an address wait, and no more', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const strangers = Array.from({ length: 20 }, () => new DeviceClient(mesh.url));
    await Promise.all(strangers.map((stranger) => stranger.take('challenge')));
    const refused = new WebSocket(mesh.url.replace('http', 'ws') + CONNECT_PATH, SUBPROTOCOL);
    const status = await new Promise((resolve) => {
      refused.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      refused.on('error', () => {});
    });
    expect(status).toBe(503);
    await strangers[0]?.close();
    await eventually(
      () =>
        DeviceClient.connect(device).then(
          () => true,
          () => false,
        ),
      (connected) => connected,
    );
  });

  it('refuses browsers, other paths and other versions', async () => {
    const mesh = await openMesh();
    const status = (path: string, headers: Record<string, string>) =>
      new Promise((resolve) => {
        const socket = new WebSocket(mesh.url.replace('http', 'ws') + path, SUBPROTOCOL, { headers });
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('error', () => {});
      });
    expect(await status(CONNECT_PATH, { Origin: mesh.url })).toBe(403);
    expect(await status('/v1/threads', {})).toBe(404);
    expect((await new DeviceClient(mesh.url, { protocol: 'runmesh.v9' }).closed).code).toBe(4505);
  });

  it('survives an upgrade request that is no request', async () => {
    const mesh = await openMesh();
    const { port } = new URL(mesh.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.resume();
    socket.write('GET // HTTP/1.1\r\nHost: \\\\\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
    expect((await mesh.call('GET', '/healthz')).status).toBe(200);
  });
});

describe('a frame that breaks the protocol', () => {
  const cases: [string, (socket: WebSocket) => void][] = [
    ['not JSON', (socket) => socket.send('{"type":')],
    ['without a type', (socket) => socket.send('[]')],
    ['with a wrong field', (socket) => socket.send('{"type":"accepted","runId":7,"attempt":1}')],
    ['binary', (socket) => socket.send(Buffer.from('{"type":"goodbye","reason":"x"}'), { binary: true })],
    ['over 1 MiB', (socket) => socket.send(`{"type":"goodbye","reason":"${'x'.repeat(1_048_576)}"}`)],
    ['nested 100 deep', (socket) => socket.send(`{"type":"x","a":${'['.repeat(100)}${']'.repeat(100)}}`)],
    ['not UTF-8', (socket) => socket.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false })],
    [
      'in a thousand pieces',
      (socket) => {
        for (let i = 0; i < 1_000; i += 1) socket.send(' ', { fin: false });
      },
    ],
  ];

  it.each(cases)('(%s) closes with 4001, and the mesh and the other devices live', async (_name, send) => {
    const mesh = await openMesh();
    const bystander = await DeviceClient.connect(await linkDevice(mesh, 'bystander'));
    const { client } = await DeviceClient.connect(await linkDevice(mesh));
    send(client.socket);
    expect((await client.closed).code).toBe(4001);
    bystander.client.send({ type: 'heartbeat', runs: [] });
    expect((await bystander.client.take('heartbeat')).runs).toEqual([]);
  });

  it('is not one of an unknown type, nor one with unknown fields', async () => {
    const mesh = await openMesh();
    const { client } = await DeviceClient.connect(await linkDevice(mesh));
    client.socket.send('{"type":"telepathy","thought":1}');
    client.socket.send('{"type":"heartbeat","runs":[],"mood":"fine","__proto__":{"x":1}}');
    await client.take('heartbeat');
    client.send({ type: 'goodbye', reason: 'done' });
    expect((await client.closed).code).toBe(1000);
  });
});

describe('a connection', () => {
  it('is replaced with 4009 by a newer one of the same device, whose frames alone count', async () => {
    const { mesh, device } = await openBoundMesh();
    const older = await DeviceClient.connect(device);
    const newer = await DeviceClient.connect(device);
    expect((await older.client.closed).code).toBe(4009);
    const waiting = startRun(mesh);
    const { runId } = await acceptDispatch(newer.client);
    sendEvents(newer.client, runId, [completed(1)]);
    expect((await waiting).data.status).toBe('completed');
  });

  it('that is silent for 35 s is cut, and its device shown unreachable', async () => {
    const clock = new FakeClock();
    const mesh = await openMesh({ clock });
    const device = await linkDevice(mesh);
    const { client } = await DeviceClient.connect(device);
    await clock.advance(34_000);
    client.send({ type: 'heartbeat', runs: [] });
    await eventually(() => client.holds('heartbeat'), Boolean);
    await clock.advance(34_000);
    expect((await mesh.call('GET', `/v1/runmesh/nodes/${device.deviceId}`)).data.status).toBe('online');
    await clock.advance(3_000);
    expect((await client.closed).code).toBe(1006);
    const { data } = await eventually(
      () => mesh.call('GET', `/v1/runmesh/nodes/${device.deviceId}`),
      (answer) => answer.data.status !== 'online',
    );
    expect(data).toMatchObject({ status: 'unreachable', lastHeardAt: '2026-01-01T00:00:34.000Z' });
  });

  it('hears a heartbeat of the mesh every 15 s, and is answered what is acknowledged', async () => {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { client } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId } = await acceptDispatch(client);
    sendEvents(client, runId, [event(1, 'run_started')]);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'running',
    );
    client.send({
      type: 'heartbeat',
      runs: [
        { runId, committed: 3, acked: 0 },
        { runId: 'x', committed: 1, acked: 0 },
      ],
    });
    expect((await client.take('heartbeat')).runs).toEqual([{ runId, acked: 1 }]);
    await clock.advance(16_000);
    expect((await client.take('heartbeat')).runs).toEqual([{ runId, acked: 1 }]);
  });

  it('gets a dispatch again after ten seconds without an answer', async () => {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { runId } = (await startRun(mesh)).data;
    const { client } = await DeviceClient.connect(device);
    expect((await client.take('dispatch')).runId).toBe(runId);
    await clock.advance(9_000);
    expect(client.holds('dispatch')).toBe(false);
    await clock.advance(2_000);
    expect(await client.take('dispatch')).toMatchObject({ runId, attempt: 1 });
    client.send({ type: 'accepted', runId, attempt: 1 });
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'dispatched',
    );
    await clock.advance(20_000);
    expect(client.holds('dispatch')).toBe(false);
  });

  it('is given at most 64 runs at a time', async () => {
    const { mesh, device } = await openBoundMesh();
    for (let i = 0; i < 66; i += 1) await startRun(mesh);
    const { client } = await DeviceClient.connect(device);
    const runs: string[] = [];
    for (let i = 0; i < 64; i += 1) runs.push((await acceptDispatch(client)).runId);
    client.send({ type: 'heartbeat', runs: [] });
    await client.take('heartbeat');
    expect(client.holds('dispatch')).toBe(false);
    sendEvents(client, runs[9] ?? '', [completed(1)]);
    expect(runs).not.toContain((await client.take('dispatch')).runId);
    expect(client.holds('dispatch')).toBe(false);
  });

  it('that said drain gets nothing new', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    client.send({ type: 'drain', reason: 'update' });
    client.send({ type: 'heartbeat', runs: [] });
    await client.take('heartbeat');
    void startRun(mesh).catch(() => {});
    await eventually(
      () => mesh.call('GET', '/v1/run'),
      ({ data }) => data.length === 1,
    );
    expect(client.holds('dispatch')).toBe(false);
  });
});

describe('a rejected dispatch', () => {
  it('fails the run with the device’s code and sentence', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const waiting = startRun(mesh);
    const { runId } = await client.take('dispatch');
    client.send({
      type: 'rejected',
      runId,
      attempt: 1,
      code: 'unsupported',
      message: 'No tool is called fly.',
    });
    expect((await waiting).data).toMatchObject({
      status: 'failed',
      error: { code: 'rejected_unsupported', message: 'No tool is called fly.' },
    });
  });

  it('for want of a place is tried again, later each time', async () => {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { runId } = (await startRun(mesh)).data;
    const { client } = await DeviceClient.connect(device);
    for (const [quiet, then] of [
      [0, 2_000],
      [1_000, 2_000],
      [2_000, 3_000],
    ] as const) {
      await client.take('dispatch');
      client.send({ type: 'rejected', runId, attempt: 1, code: 'busy', message: 'Two runs already.' });
      client.send({ type: 'heartbeat', runs: [] });
      await client.take('heartbeat');
      await clock.advance(quiet);
      expect(client.holds('dispatch')).toBe(false);
      await clock.advance(then);
    }
    expect((await client.take('dispatch')).runId).toBe(runId);
    expect((await mesh.call('GET', `/v1/run/${runId}`)).data.status).toBe('registered');
  });
});
