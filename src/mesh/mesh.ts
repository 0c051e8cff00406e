import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Clock } from '../kit/clock.ts';
import { messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { makeFolder } from '../kit/make-folder.ts';
import type { Random } from '../kit/random.ts';
import { LIMITS } from '../protocol/limits.ts';
import { CallLimits } from './call-limits.ts';
import { checkListening } from './check-listening.ts';
import type { MeshCore, MeshServices, ModelGateway } from './context.ts';
import { every } from './every.ts';
import { HeldCalls } from './held-calls.ts';
import { AnswersUnderWay } from './http/answers-under-way.ts';
import { createApp } from './http/app.ts';
import { agentRoutes } from './http/routes/agents.ts';
import { auditRoutes } from './http/routes/audit.ts';
import { keyRoutes } from './http/routes/keys.ts';
import { linkRoutes } from './http/routes/links.ts';
import { modelRoutes } from './http/routes/models.ts';
import { nodeRoutes } from './http/routes/nodes.ts';
import { plainRoutes } from './http/routes/plain.ts';
import { runRoutes } from './http/routes/runs.ts';
import { threadRoutes } from './http/routes/threads.ts';
import { DeviceHub } from './hub/device-hub.ts';
import { listenFailure } from './listen-failure.ts';
import { LiveRuns } from './live/live-runs.ts';
import { commentFrame } from './live/sse-frames.ts';
import { hostsOf, originsOf } from './origins.ts';
import { RateLimiter } from './rate-limiter.ts';
import { OrderAnswers } from './runs/order-answers.ts';
import { endOverdueRuns } from './runs/overdue-runs.ts';
import { dropOldIdempotency } from './store/idempotency.ts';
import { isKeyAlive } from './store/keys.ts';
import { ensureOwnerKey } from './store/owner-key.ts';
import { Store } from './store/store.ts';

export type { ModelGateway } from './context.ts';

export interface MeshOptions {
  /** Where the mesh keeps everything: `mesh.db` and `owner.key`. Made if it is not there. */
  dataDir: string;
  host: string;
  /** 0: any free port. */
  port: number;
  /** The URL by which others reach this mesh, where it is not `http://{host}:{port}`. Devices sign for its origin. */
  publicUrl?: string;
  /** PEM certificate (with what leads to its root) and key: the mesh then speaks TLS itself. */
  tls?: { cert: string; key: string };
  /** Listens in the clear off this machine, too. */
  insecure?: boolean;
  /** The address of a proxy before the mesh, whose `X-Forwarded-For` is believed. */
  trustedProxy?: string;
  /** Of one API key; `LIMITS` has the default. */
  callsPerMinute?: number;
  clock: Clock;
  random: Random;
  log: Log;
  models: ModelGateway;
  /** Takes keys of known shapes out of a text: out of what the mesh makes of a caller's words for others to see. */
  mask?: (text: string) => string;
}

export interface RunningMesh {
  url: string;
  port: number;
  /** The owner's first key, the same at every start with this data folder. */
  firstApiKey: string;
  /** Sends devices and callers away, to come back after `retryAfterMs`, and closes everything. */
  close(options?: { retryAfterMs?: number }): Promise<void>;
}

/** Starts the embedded mesh: HTTP, the device socket and its store, in one process. */
export async function startMesh(options: MeshOptions): Promise<RunningMesh> {
  const { clock, random, log, tls } = options;
  const address = { ...options, secure: tls !== undefined };
  checkListening(address, options.insecure ?? false);
  makeFolder(options.dataDir, { mode: 0o700, instead: 'give another one with --data.' });
  const store = new Store(options);
  const firstApiKey = ensureOwnerKey(store, { ...options, now: clock.now() });
  const server = openServer(tls);
  const port = await listen(server, options).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const origins = originsOf({ ...address, port });
  const core: MeshCore = {
    store,
    live: new LiveRuns(),
    answers: new OrderAnswers(),
    held: new HeldCalls(),
    limits: new CallLimits(clock, options.callsPerMinute),
    clock,
    random,
    log,
    origins,
    hosts: hostsOf(options),
    trustedProxy: options.trustedProxy,
    mask: options.mask ?? ((text) => text),
  };
  const devices = new DeviceHub(core, server);
  const answers = new AnswersUnderWay(server);
  serveHttp(server, { ...core, devices, models: options.models });
  const stopped = new AbortController();
  startLoops(core, devices, stopped.signal);
  log.info({ url: origins[0] }, 'mesh started');

  const close = async (retryAfterMs: number) => {
    stopped.abort();
    core.live.close();
    await devices.drain(retryAfterMs);
    await closeServer(server, answers, clock);
    store.close();
  };
  let closing: Promise<void> | undefined;
  return {
    url: origins[0],
    port,
    firstApiKey,
    close: ({ retryAfterMs = 0 } = {}) => {
      closing ??= close(retryAfterMs);
      return closing;
    },
  };
}

function serveHttp(server: Server, services: MeshServices): void {
  const routes = [
    ...plainRoutes(services),
    ...linkRoutes(services, new RateLimiter(services.clock)),
    ...nodeRoutes(services),
    ...auditRoutes(services),
    ...keyRoutes(services),
    ...agentRoutes(services),
    // Before the runs, whose `/v1/run/:runId` would take `/v1/run/threads` too.
    ...threadRoutes(services),
    ...runRoutes(services),
    ...modelRoutes(services),
  ];
  const app = createApp(services, routes);
  server.on('request', getRequestListener(app.fetch, { overrideGlobalObjects: false }));
}

function startLoops(core: MeshCore, devices: DeviceHub, signal: AbortSignal): void {
  const { clock } = core;
  void every(core, TICK_MS, signal, () => {
    devices.tick();
    core.held.cutUnless((keyId) => isKeyAlive(core.store, keyId, clock.now()));
    endOverdueRuns(core, devices);
  });
  void every(core, LIMITS.sseCommentMs, signal, () => core.live.broadcast(commentFrame('waiting')));
  void every(core, HOUR_MS, signal, () => dropOldIdempotency(core.store, clock.now() - LIMITS.idempotencyMs));
}

/** Throws `tls_invalid`. */
function openServer(tls: MeshOptions['tls']): Server {
  // A stranger who dribbles a request's head costs a socket no longer than one who dribbles a device's hello.
  const limits = { headersTimeout: LIMITS.preAuthLifeMs, connectionsCheckingInterval: TICK_MS };
  const server = tls === undefined ? createServer(limits) : createSecureServer({ ...limits, ...tls });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

function createSecureServer(options: Parameters<typeof createTlsServer>[0]): Server {
  try {
    return createTlsServer({ ...options, minVersion: 'TLSv1.2', handshakeTimeout: LIMITS.preAuthLifeMs });
  } catch (error) {
    throw new RunmeshError(
      'tls_invalid',
      `The certificate and key do not make a TLS server (${messageOf(error)}). Give PEM files that belong together.`,
      { cause: error },
    );
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(listenFailure(error, { host, port }));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Lets answers that are under way leave, then cuts every connection. */
async function closeServer(server: Server, answers: AnswersUnderWay, clock: Clock): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  const late = new AbortController();
  await Promise.race([answers.none(), clock.sleep(CLOSE_MS, late.signal)]);
  late.abort();
  server.closeAllConnections();
  await closed;
}

const TICK_MS = 1_000;
const HOUR_MS = 3_600_000;
const CLOSE_MS = 1_000;
/** Beyond, new ones are dropped: the process needs descriptors for its disk, and those who are here go on. */
const MOST_CONNECTIONS = 8_192;
