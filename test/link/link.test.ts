import { once } from 'node:events';
import { Agent } from 'node:http';
import { type AddressInfo, createServer, type LookupFunction, type Socket } from 'node:net';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { RunmeshError } from '../../src/kit/errors.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { watchWake } from '../../src/kit/watch-wake.ts';
import { type ConnectionLost, dial } from '../../src/link/connection.ts';
import { createLink } from '../../src/link/link.ts';
import type { LinkOrders } from '../../src/link/ports.ts';
import { MESH_FRAMES, type MeshFrame } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal, anOrder } from '../support/journals.ts';
import { startLyingMesh } from '../support/lying-mesh.ts';

/** A link of its own on a clock that the test moves, with what it said of itself. */
function startLink(
  meshUrl: string,
  {
    onHello = () => {},
    agent,
    orders = {},
  }: { onHello?: () => void; agent?: Agent; orders?: Partial<LinkOrders> } = {},
) {
  const clock = new FakeClock();
  const said: string[] = [];
  const online: string[] = [];
  const network = { addresses: '192.0.2.1' };
  const workspaces: string[] = [];
  const journal = aJournal(undefined, clock);
  const link = createLink({
    journal,
    clock,
    random: { ...systemRandom, unit: () => 0.5 },
    log: pino({ level: 'silent' }),
    identity: {
      deviceId: 'dev_1',
      meshUrl,
      meshOrigin: meshUrl,
      meshEpoch: 'epoch',
      sign: () => 'signature',
      agentVersion: '0.0.0',
      os: 'test',
      hostname: 'test',
      capabilities: () => {
        const told = { tools: [], workspaces: [...workspaces], maxConcurrentRuns: 1 };
        onHello();
        return told;
      },
    },
    access: { meshUrl, apiKey: 'key', fetch },
    socketOptions: { agent },
    orders: {
      dispatch: () => ({ accepted: true }),
      cancel: () => ({ status: 'done' }),
      steer: () => ({ status: 'done' }),
      approve: () => ({ status: 'done' }),
      forget: () => {},
      ...orders,
    },
    liveTexts: () => [],
    say: (doing) => said.push(doing),
    onOnline: (sessionId) => online.push(sessionId),
    onStopped: () => {},
  });
  const running = link.run();
  const stop = new AbortController();
  const watching = watchWake({
    clock,
    signal: stop.signal,
    tickMs: LIMITS.wakeTickMs,
    gapMs: LIMITS.wakeGapMs,
    networkAddresses: () => network.addresses,
    onWoke: link.woke,
  });
  onTestFinished(async () => {
    stop.abort();
    await watching;
    await link.stop(0);
    await clock.advance(60_000);
    await running;
  });
  return { link, clock, journal, said, online, network, workspaces, running };
}

/** Moves the clock in ticks, as it passes, giving the sockets time to be heard between them. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    await clock.advance(Math.min(1_000, left));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const SILENCE_MS = 2 * LIMITS.heartbeatMs + LIMITS.silenceGraceMs;

describe('the link', () => {
  it('takes a mesh that is open and silent for dead after two heartbeats, and comes back', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, link } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    first.freeze();
    await pass(clock, SILENCE_MS - 1_000);
    expect([link.status().state, mesh.connections.length]).toEqual(['online', 1]);
    await pass(clock, 3_000);
    await mesh.connection(2);
    await expect.poll(() => online.length).toBe(2);
  });

  it('tells the mesh what changed while it shook hands, and nothing twice', async () => {
    const mesh = await startLyingMesh();
    let changes = 1;
    const started = startLink(mesh.url, {
      onHello: () => {
        if (changes === 0) return;
        changes -= 1;
        started.workspaces.push('new');
        started.link.offer();
      },
    });
    const { frames } = await mesh.connection(1);
    const told = () => frames.map((frame) => ('capabilities' in frame ? frame.capabilities.workspaces : []));
    await expect.poll(told).toEqual([[], ['new']]);
  });

  it('says why it is not connected where a name has several addresses and none answers', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    const lookup: LookupFunction = (_name, _options, answer) => answer(null, addresses);
    const agent = new Agent({ lookup, autoSelectFamily: true });
    const { said } = startLink(`http://mesh.example:${port}`, { agent });
    await expect.poll(() => said.at(-1)).toMatch(/^waiting .* before try \d+ \(ECONNREFUSED\)$/);
  });

  it('says with each heartbeat which runs this device started itself and holds', async () => {
    const mesh = await startLyingMesh();
    const { clock, journal, online } = startLink(mesh.url);
    acceptRun(journal, anOrder('mine'), 'here');
    acceptRun(journal, anOrder('given'), 'dispatched');
    const { frames } = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    await pass(clock, LIMITS.heartbeatMs);
    const told = () => frames.flatMap((frame) => (frame.type === 'heartbeat' ? [frame.here] : []));
    await expect.poll(told).toEqual([['mine']]);
  });

  it('stays while anything is heard', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, link } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    for (let beat = 0; beat < 8; beat += 1) {
      await pass(clock, LIMITS.heartbeatMs);
      const heard = first.frames.length;
      first.send({ type: 'heartbeat', runs: [] });
      await expect.poll(() => link.status().lastHeardMs).toBe(0);
      expect(heard).toBeGreaterThan(beat);
    }
    expect(mesh.connections).toHaveLength(1);
  });

  it('asks at once whether somebody is there when the machine woke, and leaves a socket that only says open', async () => {
    const mesh = await startLyingMesh();
    const { clock, online } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    first.freeze();
    // Asleep: no timer fires for half a minute, and then all of them do.
    await clock.sleepMachine(30_000);
    await pass(clock, LIMITS.wakeProbeMs + 1_000);
    await mesh.connection(2);
    await expect.poll(() => online.length).toBe(2);
  });

  it('keeps a connection that answers after a wake', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, link } = startLink(mesh.url);
    await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    await clock.sleepMachine(30_000);
    await expect.poll(() => link.status().lastHeardMs).toBe(0);
    await pass(clock, LIMITS.wakeProbeMs + 1_000);
    expect(mesh.connections).toHaveLength(1);
  });

  it('asks too when the network changed', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, network } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    first.freeze();
    network.addresses = '198.51.100.7';
    await pass(clock, LIMITS.wakeTickMs + LIMITS.wakeProbeMs + 1_000);
    await mesh.connection(2);
    await expect.poll(() => online.length).toBe(2);
  });

  it('does not wait out its backoff when the network changed', async () => {
    const mesh = await startLyingMesh();
    const { clock, said, network } = startLink(mesh.url);
    const restarting = 1012;
    (await mesh.connection(1)).close(restarting);
    await expect.poll(() => said.at(-1)).toMatch(/^waiting/);
    network.addresses = '198.51.100.7';
    await clock.advance(LIMITS.wakeTickMs);
    await mesh.connection(2);
  });

  it('waits out what a mesh that goes down asks for, though the machine woke while the link was up', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, said, network } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    network.addresses = '198.51.100.7';
    await pass(clock, LIMITS.wakeTickMs + LIMITS.wakeProbeMs + 1_000);
    first.send({ type: 'drain', reason: 'restarts', retryAfterMs: 20_000 });
    first.close(1012);
    await expect.poll(() => said.at(-1)).toMatch(/^waiting/);
    await pass(clock, 10_000);
    expect(mesh.connections).toHaveLength(1);
    await pass(clock, 10_000 + LIMITS.drainSpreadMs);
    await mesh.connection(2);
  });

  it('says on every connection that it is draining', async () => {
    const mesh = await startLyingMesh();
    const { clock, online, link } = startLink(mesh.url);
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    link.drain('stops');
    await expect.poll(() => first.frames.at(-1)).toMatchObject({ type: 'drain', reason: 'stops' });
    first.close(1012);
    await first.closed;
    await pass(clock, LIMITS.drainSpreadMs);
    const second = await mesh.connection(2);
    await expect.poll(() => second.frames.map(({ type }) => type)).toContain('drain');
  });
});

describe('a link that is stopped', () => {
  it('waits for no mesh that takes its connection and says nothing', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const opened = new Promise((resolve) => server.once('connection', resolve));
    await once(server, 'listening');
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    const { link, running } = startLink(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await opened;
    await link.stop(0);
    // On a clock that stands still nothing else would ever end it.
    await running;
    expect(link.status().state).toBe('stopped');
  });

  it('waits for no mesh that does not even answer its dialling', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sockets: Socket[] = [];
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const over = new AbortController();
    server.on('connection', (socket) => {
      sockets.push(socket);
      over.abort();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const dialled = dial(url, {}, new FakeClock(), over.signal).catch((error: ConnectionLost) => error.loss);
    expect(await dialled).not.toMatchObject({ reason: expect.stringContaining('timed out') });
  });
});

describe('an order that cannot be taken', () => {
  const verdict = (verdict: 'forget' | 'cancel') => ({
    runs: [{ runId: 'run_1', ackedRunSequence: 0, deltas: [], verdict }],
  });

  it.each(['forget', 'cancel'] as const)(
    'waits for space on the disk while the link is up (%s)',
    async (order) => {
      const mesh = await startLyingMesh(verdict(order));
      const full = () => {
        throw new RunmeshError('disk_full', 'The disk is full.');
      };
      const { online, link } = startLink(mesh.url, { orders: { [order]: full } });
      await expect.poll(() => online.length).toBe(1);
      expect([link.status().state, mesh.connections.length]).toEqual(['online', 1]);
    },
  );

  it('closes the connection that came with it, and the next one is made', async () => {
    const mesh = await startLyingMesh(verdict('forget'));
    let broken = 1;
    const { online, clock } = startLink(mesh.url, {
      orders: {
        forget: () => {
          broken -= 1;
          if (broken >= 0) throw new TypeError('broken');
        },
      },
    });
    const first = await mesh.connection(1);
    await first.closed;
    while (mesh.connections.length < 2) await pass(clock, 1_000);
    await expect.poll(() => online.length).toBeGreaterThan(0);
  });

  it('closes its connection and ends nothing else', async () => {
    const mesh = await startLyingMesh();
    let broken = 1;
    const { clock, online } = startLink(mesh.url, {
      orders: {
        steer: () => {
          broken -= 1;
          if (broken >= 0) throw new TypeError('broken');
          return { status: 'done' };
        },
      },
    });
    const first = await mesh.connection(1);
    await expect.poll(() => online.length).toBe(1);
    first.send({ type: 'steer', runId: 'run_1', orderId: 'ord_1', text: 'go on' });
    await first.closed;
    expect(first.frames.map(({ type }) => type)).not.toContain('order_result');
    while (online.length < 2) await pass(clock, 1_000);
    const second = await mesh.connection(2);
    second.send({ type: 'steer', runId: 'run_1', orderId: 'ord_1', text: 'go on' });
    await expect.poll(() => second.frames.map(({ type }) => type)).toContain('order_result');
  });
});

it('a mesh that says well-formed nonsense ends nothing but its own connection', async () => {
  const mesh = await startLyingMesh();
  const { clock, online } = startLink(mesh.url);
  const { drain: _, goodbye: __, ...said } = MESH_FRAMES;
  const nonsense = fc.oneof(...Object.values(said).map(arbitraryOf));
  let side = await mesh.connection(1);
  await expect.poll(() => online.length).toBe(1);
  for (const frame of fc.sample(nonsense, 300)) side.send(frame as MeshFrame);
  side.close(1012);
  await side.closed;
  while (online.length < 2) await pass(clock, 1_000);
  side = await mesh.connection(2);
  side.send({ type: 'steer', runId: 'run_1', orderId: 'last', text: 'go on' });
  const answers = () =>
    side.frames.filter((one) => one.type === 'order_result').map(({ orderId }) => orderId);
  await expect.poll(answers).toEqual(['last']);
});
