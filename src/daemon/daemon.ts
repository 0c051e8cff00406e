import { arch, networkInterfaces } from 'node:os';
import { startControlServer } from '../control/server.ts';
import { messageOf } from '../kit/errors.ts';
import { PauseReasons } from '../kit/pause.ts';
import { StatusTree } from '../kit/status.ts';
import { createLink } from '../link/link.ts';
import type { StopReason } from '../link/link-state.ts';
import type { LinkOrders } from '../link/ports.ts';
import type { PauseReason } from '../runs/ports.ts';
import { createRuns } from '../runs/runs.ts';
import { controlPorts } from './control-ports.ts';
import { keepHouse } from './housekeeping.ts';
import { openDevice, type World } from './open-device.ts';
import { openExecutor } from './open-executor.ts';
import { RunWatchers } from './run-watchers.ts';

export interface RunningDaemon {
  deviceId: string;
  /** The first time the link is up; rejects when it never will be. */
  ready: Promise<{ sessionId: string }>;
  /** The daemon has ended. `failed`: not because somebody asked it to. `final`: a new start would end the same way. */
  finished: Promise<DaemonEnd>;
  /** Drains and ends: steps under way may finish, what they say goes out, runs go on at the next start. */
  stop(): Promise<void>;
}

export interface DaemonEnd {
  reason: string;
  failed: boolean;
  final: boolean;
}

/**
 * The wiring: builds each room and hands it its ports. The three arrows against the imports are here: orders go from the
 * link into runs, the wake and the live deltas from runs into the link.
 */
export async function startDaemon(world: World): Promise<RunningDaemon> {
  const device = await openDevice(world);
  const { paths, config, identity, mesh, apiKey, network, clock, random, log, version } = device;
  const executor = openExecutor(device, world);
  const { journal, startedAt } = executor;
  const status = new StatusTree(clock);
  const watchers = new RunWatchers();
  const pause = new PauseReasons<PauseReason>();
  const ready = deferred<{ sessionId: string }>();
  const over = new AbortController();
  const finished = deferred<DaemonEnd>();
  let stopping: Promise<void> | undefined;

  const runs = createRuns({
    journal,
    clock,
    random,
    log,
    host: executor.host,
    redactor: device.redactor,
    audit: executor.audit,
    pause,
    say: status.loop('runs'),
    maxConcurrentRuns: config.maxConcurrentRuns,
    maxAttempts: config.maxAttempts,
    onCommitted: (runId) => {
      link.committed(runId);
      watchers.committed(runId);
    },
    onSettling: (runId) => link.settle(runId),
    onDelta: (runId, delta) => {
      link.delta(runId, delta);
      watchers.delta(runId, delta);
    },
  });

  const orders: LinkOrders = {
    dispatch: (order) => runs.accept(order, 'dispatched'),
    cancel: runs.cancel,
    steer: runs.steer,
    forget: runs.forget,
  };
  const link = createLink({
    journal,
    clock,
    random,
    log,
    identity: {
      deviceId: mesh.deviceId,
      meshUrl: mesh.url,
      meshOrigin: mesh.origin,
      sign: identity.sign,
      agentVersion: version,
      os: `${world.platform} ${arch()}`,
      hostname: world.hostname,
      capabilities: () => ({
        tools: executor.toolbox.names(),
        workspaces: Object.keys(config.workspaces),
        maxConcurrentRuns: config.maxConcurrentRuns,
      }),
    },
    access: { meshUrl: mesh.url, apiKey, fetch: network.fetch },
    socketOptions: network.socketOptions(new URL(mesh.url)),
    orders,
    liveTexts: runs.liveTexts,
    say: status.loop('link'),
    networkAddresses,
    onOnline: (sessionId) => ready.resolve({ sessionId }),
    onStopped: (why) => end(explainStop(why), true, why !== 'protocol'),
  });

  const end = (reason: string, failed: boolean, final = false): Promise<void> => {
    stopping ??= (async () => {
      log.info({ reason }, 'the daemon stops');
      link.drain(reason);
      await runs.drain(config.drainMs);
      await link.stop(LAST_ACKS_MS);
      over.abort();
      await Promise.all([linked, tidied]);
      await control.close();
      await executor.close();
      ready.reject(new Error(reason));
      finished.resolve({ reason, failed, final });
    })();
    return stopping;
  };

  const control = await startControlServer({
    socketPath: paths.socket,
    log,
    ports: controlPorts({
      device,
      world,
      journal,
      runs,
      link,
      status,
      watchers,
      pause,
      startedAt,
      stop: () => void end('asked to by the local door', false).catch(() => {}),
    }),
  });
  ready.promise.catch(() => {});
  await runs.start();
  const linked = link.run().catch((error) => end(`the link broke: ${messageOf(error)}`, true));
  executor.warm().catch((error) => log.error({ reason: messageOf(error) }, 'the leash could not be started'));
  const { retentionDays } = config;
  const idle = () => runs.list().length === 0;
  const housekeeping = { journal, clock, log, retentionDays, idle, say: status.loop('housekeeping') };
  const tidied = keepHouse(housekeeping, over.signal);
  return {
    deviceId: mesh.deviceId,
    ready: ready.promise,
    finished: finished.promise,
    stop: () => end('asked to stop', false),
  };
}

function explainStop(why: StopReason): string {
  const words: Record<StopReason, string> = {
    asked: 'asked to stop',
    auth: 'the mesh does not accept this device; link it again with `runmesh link`',
    revoked: 'the owner revoked this device; link it again with `runmesh link`',
    version: 'the mesh and this agent have no protocol in common; update the agent',
    protocol: 'the mesh breaks the protocol again and again; see the log',
    replaced: 'another daemon uses this device’s identity; stop it, or link this device anew',
  };
  return words[why];
}

/** Loopback and link-local addresses come and go without anybody being further away. */
function networkAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  return reachable
    .map(({ address }) => address)
    .sort()
    .join(' ');
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}

const LAST_ACKS_MS = 3_000;
