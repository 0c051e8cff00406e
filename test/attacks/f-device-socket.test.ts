import { connect } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { createLink } from '../../src/link/link.ts';
import { CONNECT_PATH, type DispatchOrder, SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { helloText, linkPollText } from '../../src/protocol/signing.ts';
import {
  acceptDispatch,
  bindAgent,
  completed,
  event,
  eventually,
  openBoundMesh,
  openMesh,
  sendEvents,
  startRun,
  type TestMesh,
} from '../mesh/harness.ts';
import { SseReader } from '../support/api.ts';
import {
  createDeviceKey,
  DeviceClient,
  linkDevice,
  signText,
  type TestDevice,
} from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal } from '../support/journals.ts';
import { startLyingMesh } from '../support/lying-mesh.ts';
import { otherOrganisation, stateOf } from './mesh-state.ts';

const LINK = '/v1/runmesh/devices/link';
const HELLO = {
  agentVersion: '0',
  os: 'macos',
  hostname: 'h',
  capabilities: { tools: [], workspaces: [], maxConcurrentRuns: 1 },
  journalEpoch: 'epoch-1',
  runs: [],
};

/** How the mesh closes on who says `hello` so. */
async function refusal(device: TestDevice, hello: Record<string, unknown> = {}): Promise<number> {
  const client = new DeviceClient(device.origin);
  await client.sayHello(device, hello);
  return (await client.closed).code;
}

/** Somebody with a key of their own asks to take the place of a device. */
async function askToReplace(mesh: TestMesh, { deviceId }: TestDevice) {
  const { publicKey, privateKey } = createDeviceKey();
  const body = {
    publicKey,
    deviceLabel: 'again',
    os: 'macos',
    appVersion: '0',
    hostname: 'h',
    clientMetadata: { replacesDeviceId: deviceId },
  };
  const code: string = (await mesh.call('POST', `${LINK}/start`, body, null)).data.code;
  const signature = signText(privateKey, linkPollText({ code, origin: mesh.url }));
  return { code, privateKey, poll: () => mesh.call('POST', `${LINK}/poll`, { code, signature }, null) };
}

/** A run that its device has taken. */
async function runUnderWay() {
  const { mesh, device } = await openBoundMesh();
  const { client } = await DeviceClient.connect(device);
  void startRun(mesh);
  const { runId } = await acceptDispatch(client);
  await eventually(
    () => mesh.call('GET', `/v1/run/${runId}`),
    ({ data }) => data.status === 'dispatched',
  );
  return { mesh, device, client, runId };
}

describe('a hello', () => {
  it('67 that was recorded is refused on another connection', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const first = new DeviceClient(mesh.url);
    const { nonce } = await first.take('challenge');
    const { deviceId, origin } = device;
    const recorded = { signature: signText(device.privateKey, helloText({ nonce, deviceId, origin })) };
    first.send({ type: 'hello', deviceId, ...HELLO, ...recorded });
    await first.take('welcome');
    await first.close();
    const before = await stateOf(mesh);
    expect(await refusal(device, recorded)).toBe(4503);
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('68 signed for another mesh, or for another purpose, is refused', async () => {
    const mesh = await openMesh();
    const { deviceId, privateKey } = await linkDevice(mesh);
    const texts = [
      ...['https://evil.example', `${mesh.url}.evil.example`, mesh.url.replace('http:', 'https:'), ''].map(
        (origin) => (nonce: string) => helloText({ nonce, deviceId, origin }),
      ),
      (nonce: string) => linkPollText({ code: nonce, origin: mesh.url }),
      (nonce: string) => nonce,
    ];
    for (const text of texts) {
      const client = new DeviceClient(mesh.url);
      const { nonce } = await client.take('challenge');
      client.send({ type: 'hello', deviceId, signature: signText(privateKey, text(nonce)), ...HELLO });
      expect([text('nonce'), (await client.closed).code]).toEqual([text('nonce'), 4503]);
    }
    expect((await mesh.call('GET', `/v1/runmesh/nodes/${deviceId}`)).data.lastHeardAt).toBeNull();
  });

  it('69 naming a device whose key it does not have is refused, in its organisation and from another', async () => {
    const mesh = await openMesh();
    const victim = await linkDevice(mesh, 'victim');
    const neighbour = await linkDevice(mesh, 'neighbour');
    const stranger = await linkDevice({ url: mesh.url, apiKey: await otherOrganisation(mesh) }, 'stranger');
    const before = await stateOf(mesh);
    for (const privateKey of [neighbour.privateKey, stranger.privateKey, createDeviceKey().privateKey]) {
      expect(await refusal({ ...victim, privateKey })).toBe(4503);
    }
    for (const deviceId of ['dev_none', '', "' OR 1=1 --", '__proto__']) {
      expect(await refusal({ ...victim, deviceId })).toBe(4503);
    }
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('70 of an older protocol, without a nonce or without a signature is refused', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const { deviceId, origin } = device;
    for (const protocol of ['runmesh.v0', 'runmesh.v1.1', 'RUNMESH.V1']) {
      expect([protocol, (await new DeviceClient(mesh.url, { protocol }).closed).code]).toEqual([
        protocol,
        4505,
      ]);
    }
    const sign = (text: string) => ({ signature: signText(device.privateKey, text) });
    expect(await refusal(device, sign(helloText({ nonce: '', deviceId, origin })))).toBe(4503);
    expect(await refusal(device, sign(`runmesh.v1 hello\n${deviceId}\n${origin}`))).toBe(4503);
    expect(await refusal(device, { signature: '' })).toBe(4503);
    expect(await refusal(device, { signature: undefined })).toBe(4001);
    expect((await mesh.call('GET', `/v1/runmesh/nodes/${deviceId}`)).data.lastHeardAt).toBeNull();
  });

  it('71 comes first, and once', async () => {
    const { mesh, device } = await openBoundMesh();
    const { runId } = (await startRun(mesh)).data;
    const before = await stateOf(mesh);
    const early = new DeviceClient(mesh.url);
    await early.take('challenge');
    sendEvents(early, runId, [completed(1)]);
    expect((await early.closed).code).toBe(4001);
    const { client } = await DeviceClient.connect(device);
    client.send({ type: 'hello', deviceId: device.deviceId, signature: 'again', ...HELLO });
    expect((await client.closed).code).toBe(4001);
    expect(await stateOf(mesh)).toEqual({ ...before, nodes: (await stateOf(mesh)).nodes });
  });

  it('75 that claims scopes, an organisation or other runs is given none of them', async () => {
    const { mesh, device, runId } = await runUnderWay();
    const other = await linkDevice(mesh, 'other');
    const before = await stateOf(mesh);
    const capabilities = { ...HELLO.capabilities, scopes: ['*'], orgId: 'org_other', admin: true };
    const runs = [{ runId, attempt: 9, lastRunSequence: 0 }];
    const claims = { capabilities, scopes: ['*'], orgId: 'org_other', runs };
    const { client, welcome } = await DeviceClient.connect(other, claims);
    expect(welcome.runs).toEqual([{ runId, ackedRunSequence: 0, deltas: [], verdict: 'forget' }]);
    expect((await mesh.call('GET', '/v1/runmesh/nodes', undefined, other.apiKey)).status).toBe(403);
    expect((await mesh.call('GET', `/v1/run/${runId}`, undefined, other.apiKey)).status).toBe(404);
    expect(client.holds('dispatch')).toBe(false);
    expect((await mesh.call('GET', `/v1/runmesh/nodes/${other.deviceId}`)).data.orgId).toBe('org_local');
    const after = await stateOf(mesh);
    expect({ ...after, nodes: before.nodes }).toEqual(before);
    expect(device.deviceId).not.toBe(other.deviceId);
  });
});

describe('a linked device that lies', () => {
  it('72 cannot speak in another device’s run, by any frame', async () => {
    const { mesh, client: honest, runId } = await runUnderWay();
    const thief = await linkDevice(mesh, 'thief');
    const before = (await stateOf(mesh)).runs;
    const frames = [
      { type: 'events', runId, journalEpoch: 'epoch-1', attempt: 1, events: [completed(1, 'forged')] },
      { type: 'delta', runId, messageId: 'm', kind: 'assistant_message', offset: 0, text: 'forged' },
      { type: 'accepted', runId, attempt: 2 },
      { type: 'rejected', runId, attempt: 1, code: 'invalid', message: 'forged' },
      { type: 'order_result', runId, orderId: 'ord_1', status: 'done' },
    ] as const;
    for (const frame of frames) {
      const { client } = await DeviceClient.connect(thief);
      client.socket.send(JSON.stringify(frame));
      expect([frame.type, (await client.closed).code]).toEqual([frame.type, 4001]);
    }
    const { client } = await DeviceClient.connect(thief);
    client.send({ type: 'heartbeat', runs: [{ runId, committed: 99, acked: 99 }] });
    expect((await client.take('heartbeat')).runs).toEqual([]);
    expect((await stateOf(mesh)).runs).toEqual(before);
    sendEvents(honest, runId, [completed(1, 'true')]);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.result === 'true',
    );
  });

  it.each([0, -1, 1.5, 2 ** 53, 1e308, 'one', null])('73 numbers no event %s', async (runSequence) => {
    const { mesh, client, runId } = await runUnderWay();
    const before = (await stateOf(mesh)).events;
    const forged = { ...event(1, 'error', { code: 'x', message: 'y' }), runSequence };
    client.socket.send(
      JSON.stringify({ type: 'events', runId, journalEpoch: 'epoch-1', attempt: 1, events: [forged] }),
    );
    expect((await client.closed).code).toBe(4001);
    expect((await stateOf(mesh)).events).toEqual(before);
  });

  it('73 leaves no gap, rewrites nothing, and speaks under no old attempt and no other journal', async () => {
    const { mesh, device, client, runId } = await runUnderWay();
    const say = (n: number, message: string) => event(n, 'error', { code: 'x', message });
    sendEvents(client, runId, [say(1, 'first')]);
    expect((await client.take('ack')).runSequence).toBe(1);
    const before = await stateOf(mesh);
    sendEvents(client, runId, [say(3, 'gap')]);
    expect((await client.take('ack')).runSequence).toBe(1);
    sendEvents(client, runId, [say(1, 'rewritten')]);
    expect((await client.take('ack')).runSequence).toBe(1);
    expect(mesh.logged.some(({ alarm }) => alarm === 'sequence_conflict')).toBe(true);
    expect(await stateOf(mesh)).toEqual(before);
    client.send({
      type: 'events',
      runId,
      journalEpoch: 'epoch-2',
      attempt: 1,
      events: [say(2, 'other journal')],
    });
    expect((await client.closed).code).toBe(4001);
    const again = await DeviceClient.connect(device, { runs: [{ runId, attempt: 2, lastRunSequence: 1 }] });
    sendEvents(again.client, runId, [say(2, 'old attempt')], 1);
    expect((await again.client.take('ack')).runSequence).toBe(1);
    expect((await stateOf(mesh)).events).toEqual(before.events);
  });

  it('76 is cut by its revocation at once, and comes back neither by socket nor by key', async () => {
    const { mesh, device, client, runId } = await runUnderWay();
    await mesh.call('POST', `/v1/runmesh/nodes/${device.deviceId}/revoke`, {});
    expect((await client.closed).code).toBe(4504);
    const before = await stateOf(mesh);
    expect(await refusal(device)).toBe(4504);
    expect((await mesh.call('GET', '/v1/run', undefined, device.apiKey)).status).toBe(401);
    const { threadId, rolloutId } = (await mesh.call('GET', `/v1/run/${runId}`)).data;
    const body = { events: [completed(1)], runId, rolloutId, journalEpoch: 'epoch-1', attempt: 1 };
    expect((await mesh.call('POST', `/v1/threads/${threadId}/events`, body, device.apiKey)).status).toBe(401);
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('76 whose key was replaced is cut at once, with all its old key held, and the new key stays', async () => {
    const { mesh, device, client, runId } = await runUnderWay();
    const stream = await SseReader.open(mesh, 'GET', `/v1/run/${runId}/events`, { apiKey: device.apiKey });
    const next = await askToReplace(mesh, device);
    expect([
      client.socket.readyState,
      (await mesh.call('GET', '/v1/run', undefined, device.apiKey)).status,
    ]).toEqual([WebSocket.OPEN, 200]);
    await mesh.call('POST', `${LINK}/approve`, { code: next.code });
    expect((await client.closed).code).toBe(4503);
    await stream.ended;
    expect((await mesh.call('GET', '/v1/run', undefined, device.apiKey)).status).toBe(401);
    expect(await refusal(device)).toBe(4503);
    const { data } = await next.poll();
    const replaced = { ...device, privateKey: next.privateKey, apiKey: data.apiKey };
    const runs = [{ runId, attempt: 1, lastRunSequence: 0 }];
    const back = await DeviceClient.connect(replaced, { runs });
    expect(back.welcome.runs).toMatchObject([{ runId, verdict: 'resume' }]);
    sendEvents(back.client, runId, [completed(1)]);
    expect((await back.client.take('ack')).runSequence).toBe(1);
  });

  it('76 whose key was replaced before it fetched what it was approved for is given nothing', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const [lost, kept] = [await askToReplace(mesh, device), await askToReplace(mesh, device)];
    await mesh.call('POST', `${LINK}/approve`, { code: lost.code });
    await mesh.call('POST', `${LINK}/approve`, { code: kept.code });
    const { apiKey } = (await kept.poll()).data;
    expect((await lost.poll()).data).toEqual({ status: 'denied' });
    expect((await mesh.call('GET', '/v1/run', undefined, apiKey)).status).toBe(200);
  });

  it('79 with a copied key raises an alarm that names the device', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const clients: DeviceClient[] = [];
    for (let i = 0; i < 4; i += 1) clients.push((await DeviceClient.connect(device)).client);
    for (const client of clients.slice(0, 3)) expect((await client.closed).code).toBe(4009);
    const alarms = mesh.logged.filter(({ alarm }) => alarm === 'duplicate_identity');
    expect(alarms).toMatchObject([{ deviceId: device.deviceId }]);
  });
});

describe('the orders of a run', () => {
  /** As long on the wire as an order can be: each character of it is six there. */
  const steer = (mesh: TestMesh, runId: string) =>
    mesh.call('POST', `/v1/run/${runId}/steer`, { text: '\u0001'.repeat(100_000) });

  it('126 are bounded while its device is away, and a cancel is taken beyond', async () => {
    const { mesh, client, runId } = await runUnderWay();
    await client.close();
    const answers = [];
    for (let i = 0; i < LIMITS.pendingOrders + 2; i += 1) answers.push(await steer(mesh, runId));
    expect(answers.map(({ status }) => status).lastIndexOf(200)).toBe(LIMITS.pendingOrders - 1);
    expect(answers.at(-1)?.body.error).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('Wait'),
    });
    expect((await mesh.call('POST', `/v1/run/${runId}/cancel`)).status).toBe(200);
  });

  it('126 reach a device that comes back to many, a cancel first, and do not cut it off', async () => {
    const { mesh, device, client, runId: first } = await runUnderWay();
    void startRun(mesh);
    const { runId: second } = await acceptDispatch(client);
    await eventually(
      () => mesh.call('GET', `/v1/run/${second}`),
      ({ data }) => data.status === 'dispatched',
    );
    await client.close();
    for (const runId of [first, second]) {
      const answers = await Promise.all(
        Array.from({ length: LIMITS.pendingOrders }, () => steer(mesh, runId)),
      );
      expect(answers.every(({ status }) => status === 200)).toBe(true);
    }
    await mesh.call('POST', `/v1/run/${second}/cancel`);
    const back = new DeviceClient(mesh.url);
    const types: string[] = [];
    back.socket.on('message', (data: Buffer) => types.push(JSON.parse(data.toString()).type));
    const runs = [first, second].map((runId) => ({ runId, attempt: 1, lastRunSequence: 0 }));
    await back.sayHello(device, { runs });
    for (let i = 0; i < 2 * LIMITS.pendingOrders; i += 1) {
      const { runId, orderId } = await back.take('steer');
      back.send({ type: 'order_result', runId, orderId, status: 'done' });
    }
    expect(types.slice(0, 4)).toEqual(['challenge', 'welcome', 'cancel', 'steer']);
    expect(back.socket.readyState).toBe(WebSocket.OPEN);
    await eventually(
      () => steer(mesh, first),
      ({ status }) => status === 200,
    );
  });
});

describe('a flood', () => {
  const deflated = (_mesh: string, socket: WebSocket) => {
    // A frame whose first reserved bit says "compressed": nobody agreed to that.
    (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0xc1, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]),
    );
  };
  const cases: [string, (mesh: string, socket: WebSocket) => void, number][] = [
    ['a frame that says it has 100 MiB', (_mesh, socket) => announce(socket, 100 * 1_048_576), 4001],
    ['16,300 pieces of one byte', (_mesh, socket) => pieces(socket, 16_300), 4001],
    ['a compressed frame', deflated, 4001],
    ['JSON 100,000 deep', (_mesh, socket) => socket.send(`{"type":"x","a":${'['.repeat(100_000)}`), 4001],
    ['20,000 keys', (_mesh, socket) => socket.send(`{"type":"x"${',"k":1'.repeat(20_000)}}`), 4001],
    ['200 pings', (_mesh, socket) => ping(socket, 200), 4001],
  ];

  it.each(cases)('77 of %s ends that connection and nobody else’s', async (_name, attack, code) => {
    const { mesh, device } = await openBoundMesh();
    const bystander = await DeviceClient.connect(await linkDevice(mesh, 'bystander'));
    const { client } = await DeviceClient.connect(device);
    const before = await stateOf(mesh);
    attack(mesh.url, client.socket);
    expect([code, 1006]).toContain((await client.closed).code);
    bystander.client.send({ type: 'heartbeat', runs: [] });
    expect((await bystander.client.take('heartbeat')).runs).toEqual([]);
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('77 of `__proto__` in a frame changes nothing but what the frame may', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    client.socket.send(
      '{"type":"heartbeat","runs":[],"__proto__":{"runs":[1]},"constructor":{"prototype":{"x":1}}}',
    );
    expect((await client.take('heartbeat')).runs).toEqual([]);
    client.socket.send('{"type":"__proto__"}');
    client.socket.send('{"type":"constructor"}');
    client.send({ type: 'heartbeat', runs: [] });
    await client.take('heartbeat');
    expect(({} as { x?: number }).x).toBeUndefined();
    expect((await mesh.call('GET', '/healthz')).status).toBe(200);
  });

  it('78 of pings before any hello ends the stranger', async () => {
    const mesh = await openMesh();
    const client = new DeviceClient(mesh.url);
    await client.take('challenge');
    ping(client.socket, 200);
    // Its pings may still be under way when the mesh closes, and then the close is a reset.
    expect([4001, 1006]).toContain((await client.closed).code);
  });

  it('78 of silent sockets lets twenty of an address wait, and keeps nobody with a key out', async () => {
    const { mesh } = await openBoundMesh();
    const open: WebSocket[] = [];
    onTestFinished(() => {
      for (const socket of open) socket.terminate();
    });
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => {
        const socket = new WebSocket(mesh.url.replace('http', 'ws') + CONNECT_PATH, SUBPROTOCOL);
        open.push(socket);
        return new Promise<number>((resolve) => {
          socket.on('open', () => resolve(101));
          socket.on('unexpected-response', (_request, { statusCode, headers }) => {
            resolve(headers['retry-after'] === undefined ? 0 : (statusCode ?? 0));
          });
          socket.on('error', () => {});
        });
      }),
    );
    expect(outcomes.filter((status) => status === 101)).toHaveLength(20);
    expect(outcomes.filter((status) => status === 503)).toHaveLength(80);
    expect((await mesh.call('GET', '/v1/agents')).data).toHaveLength(1);
  });

  it('78 of connections that say nothing, or half a request, is cut after ten seconds', async () => {
    const mesh = await openMesh();
    const { port } = new URL(mesh.url);
    const words = [
      '',
      'GET /healthz HTTP/1.1\r\nHost: localh',
      'POST /v1/run HTTP/1.1\r\nHost: localhost\r\nX: ',
    ];
    const closed = words.map((word) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      if (word !== '') socket.write(word);
      return new Promise((resolve) => socket.on('close', resolve));
    });
    await Promise.all(closed);
    expect((await mesh.call('GET', '/healthz')).status).toBe(200);
  }, 40_000);
});

describe('a mesh that lies', () => {
  const nobody = async (): Promise<Response> => {
    throw new Error('nobody is there');
  };

  function linkTo(url: string, fetchIt: () => Promise<Response> = nobody) {
    const dispatched: DispatchOrder[] = [];
    const fetched: string[] = [];
    const link = createLink({
      journal: aJournal(undefined, new FakeClock()),
      clock: systemClock,
      random: systemRandom,
      log: pino({ level: 'silent' }),
      identity: {
        deviceId: 'dev_1',
        meshEpoch: 'epoch',
        meshUrl: url,
        meshOrigin: url,
        sign: () => 'signature',
        agentVersion: '0.0.0',
        os: 'test',
        hostname: 'test',
        capabilities: () => ({ tools: [], workspaces: [], maxConcurrentRuns: 1 }),
      },
      access: {
        meshUrl: url,
        apiKey: 'rt_test_secret',
        fetch: async (address) => {
          fetched.push(String(address));
          return fetchIt();
        },
      },
      socketOptions: {},
      orders: {
        dispatch: (order) => {
          dispatched.push(order);
          return { accepted: true };
        },
        cancel: () => ({ status: 'done' }),
        steer: () => ({ status: 'done' }),
        approve: () => ({ status: 'done' }),
        forget: () => {},
      },
      liveTexts: () => [],
      say: () => {},
      onOnline: () => {},
      onStopped: () => {},
    });
    const running = link.run();
    onTestFinished(async () => {
      await link.stop(0);
      await running;
    });
    return { dispatched, fetched };
  }

  const order = (targetDeviceId: string): DispatchOrder => ({
    runId: 'run_1',
    threadId: 'thr_1',
    rolloutId: 'rol_1',
    attempt: 1,
    agent: { id: 'agt_1', slug: 'x', version: 1, model: 'm', executionMode: 'local-mac', targetDeviceId },
    input: [{ role: 'user', content: 'x' }],
    history: [],
    config: {},
    metadata: {},
    deadlineAt: '2030-01-01T00:00:00.000Z',
  });

  it('74 has no run of another device’s agent executed here', async () => {
    const mesh = await startLyingMesh();
    const { dispatched } = linkTo(mesh.url);
    const side = await mesh.connection(1);
    await expect.poll(() => side.frames.some(({ type }) => type === 'hello')).toBe(true);
    side.send({ type: 'dispatch', ...order('dev_2') });
    await expect
      .poll(() => side.frames.find(({ type }) => type === 'rejected'))
      .toMatchObject({ code: 'forbidden' });
    expect(dispatched).toEqual([]);
    side.send({ type: 'dispatch', ...order('dev_1') });
    await expect.poll(() => dispatched.length).toBe(1);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    '//evil.example/order',
    'https://evil.example/order',
    'file:///etc/passwd',
    '\\\\evil.example\\order',
    'http://[',
  ])('65 sends this device’s key nowhere else: an order at %s is not fetched', async (path) => {
    const mesh = await startLyingMesh();
    const { fetched } = linkTo(mesh.url);
    const side = await mesh.connection(1);
    await expect.poll(() => side.frames.some(({ type }) => type === 'hello')).toBe(true);
    side.send({ type: 'dispatch_ref', runId: 'run_1', attempt: 1, path });
    expect(await side.closed).toBe(4001);
    expect(fetched).toEqual([]);
  });

  /** A body without end; answers how much of it was taken. */
  function endless() {
    let taken = 0;
    const piece = new TextEncoder().encode(' '.repeat(1_048_576));
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        taken += piece.length;
        controller.enqueue(piece);
      },
    });
    return { response: async () => new Response(body), taken: () => taken };
  }

  const answering = (text: string) => async () => new Response(text);

  const badOrders: [string, () => Promise<Response>, RegExp][] = [
    ['is deeper than any frame', answering(`{"data":${'['.repeat(100_000)}`), /nested deeper/],
    ['has more keys than a history could', answering(`{"data":{${'"k":1,'.repeat(1_000_001)}`), /keys/],
    [
      'is another run’s',
      answering(JSON.stringify({ data: { ...order('dev_1'), runId: 'run_2' } })),
      /another run/,
    ],
    ['is no order', answering('{"data":{"runId":"run_1"}}'), /malformed/],
    ['is null', answering('null'), /malformed/],
  ];
  it.each(badOrders)(
    '77 that %s is rejected in words, and not asked for again',
    async (_name, fetchIt, words) => {
      const mesh = await startLyingMesh();
      const { dispatched } = linkTo(mesh.url, fetchIt);
      const side = await mesh.connection(1);
      await expect.poll(() => side.frames.some(({ type }) => type === 'hello')).toBe(true);
      side.send({ type: 'dispatch_ref', runId: 'run_1', attempt: 1, path: '/order' });
      await expect
        .poll(() => side.frames.find(({ type }) => type === 'rejected'), { timeout: 10_000 })
        .toMatchObject({
          runId: 'run_1',
          attempt: 1,
          code: 'invalid',
          message: expect.stringMatching(words),
        });
      expect(dispatched).toEqual([]);
    },
  );

  it('77 with a history without end is rejected once it is too long, and the rest of it not read', async () => {
    const mesh = await startLyingMesh();
    const { response, taken } = endless();
    const { dispatched } = linkTo(mesh.url, response);
    const side = await mesh.connection(1);
    await expect.poll(() => side.frames.some(({ type }) => type === 'hello')).toBe(true);
    side.send({ type: 'dispatch_ref', runId: 'run_1', attempt: 1, path: '/order' });
    await expect
      .poll(() => side.frames.find(({ type }) => type === 'rejected'), { timeout: 10_000 })
      .toMatchObject({ code: 'invalid', message: expect.stringContaining('33554432 bytes') });
    expect(taken()).toBeLessThan(LIMITS.orderBytes + 4 * 1_048_576);
    expect(dispatched).toEqual([]);
  });

  it('77 named a hundred times is fetched once at a time, and four of them at most', async () => {
    const mesh = await startLyingMesh();
    const { fetched } = linkTo(mesh.url, () => new Promise(() => {}));
    const side = await mesh.connection(1);
    await expect.poll(() => side.frames.some(({ type }) => type === 'hello')).toBe(true);
    for (let n = 0; n < 100; n += 1)
      side.send({ type: 'dispatch_ref', runId: `run_${n % 10}`, attempt: 1, path: `/orders/${n % 10}` });
    side.send({ type: 'dispatch', ...order('dev_2') });
    await expect.poll(() => side.frames.some(({ type }) => type === 'rejected')).toBe(true);
    expect(fetched).toHaveLength(4);
    expect(new Set(fetched).size).toBe(4);
  });
});

it('122 a thread with more keys than a frame may have does not break its device’s link', async () => {
  const { mesh, device } = await openBoundMesh();
  await bindAgent(mesh, device);
  const { client } = await DeviceClient.connect(device);
  const metadata = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1]));
  void startRun(mesh, { metadata });
  const { path, runId } = await client.take('dispatch_ref');
  const fetched = await mesh.call('GET', path, undefined, device.apiKey);
  expect(Object.keys(fetched.data.metadata)).toHaveLength(20_000);
  expect(fetched.data.runId).toBe(runId);
  expect(client.holds('dispatch')).toBe(false);
});

/** The head of a masked text frame of so many bytes, and none of them. */
function announce(socket: WebSocket, bytes: number): void {
  const head = Buffer.alloc(14);
  head.writeUInt8(0x81, 0);
  head.writeUInt8(0x80 | 127, 1);
  head.writeBigUInt64BE(BigInt(bytes), 2);
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(head);
}

function pieces(socket: WebSocket, count: number): void {
  for (let i = 0; i < count; i += 1) socket.send(' ', { fin: false });
}

function ping(socket: WebSocket, count: number): void {
  for (let i = 0; i < count; i += 1) socket.ping();
}
