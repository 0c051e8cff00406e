import { isDeepStrictEqual } from 'node:util';
import type { DaemonStatus } from '../control/contract.ts';
import { readOwnerPause } from '../journal/owner-pause.ts';
import { isoTime } from '../kit/clock.ts';
import { isRunmeshError, messageOf } from '../kit/errors.ts';
import { PauseReasons } from '../kit/pause.ts';
import { StatusTree } from '../kit/status.ts';
import { Wake } from '../kit/wake.ts';
import { watchWake } from '../kit/watch-wake.ts';
import type { Link } from '../link/ports.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { PauseReason } from '../runs/ports.ts';
import { createRuns } from '../runs/runs.ts';
import { approvalPorts } from './approval-ports.ts';
import { closeEach } from './close-each.ts';
import { type Credentials, readProviderKeys, untilReadable, wakeAfterSleep } from './credentials.ts';
import { deferred } from './deferred.ts';
import { explainStop } from './explain-stop.ts';
import { keepHouse } from './housekeeping.ts';
import { networkAddresses } from './network-addresses.ts';
import { noteStop } from './note-stop.ts';
import { openControl } from './open-control.ts';
import { openDevice, type World } from './open-device.ts';
import { openExecutor } from './open-executor.ts';
import { openLink } from './open-link.ts';
import { secretsOf } from './own-secrets.ts';
import { keepThisAwake } from './power.ts';
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
 * link into runs, the wake and the live deltas from runs into the link. The link comes when the secrets can be read;
 * until then the device is up, says why, and starts no run.
 */
export async function startDaemon(
  world: World,
  { onLocked = () => {} }: { onLocked?: (sentence: string) => void } = {},
): Promise<RunningDaemon> {
  const device = await openDevice(world);
  const { config, mesh, secrets, clock, random, log } = device;
  let credentials: Credentials | undefined;
  const executor = openExecutor(device, world, () => credentials);
  const { journal, startedAt } = executor;
  const status = new StatusTree(clock);
  const watchers = new RunWatchers();
  const pause = new PauseReasons<PauseReason>(() => runs.takeTurns());
  const ready = deferred<{ sessionId: string }>();
  const finished = deferred<DaemonEnd>();
  const over = new AbortController();
  const unlock = new Wake<'woke' | 'asked'>();
  let link: Link | undefined;
  let lastWake: DaemonStatus['power']['lastWake'] = null;
  let stopping: Promise<void> | undefined;
  let recovered: Promise<void> = Promise.resolve();
  /** What runs until `over`. */
  const loops: Promise<unknown>[] = [];
  let control: Awaited<ReturnType<typeof openControl>> | undefined;
  const rest = {
    loops: () => Promise.all(loops),
    control: () => control?.close(),
    executor: () => executor.close(),
  };

  const runs = createRuns({
    journal,
    clock,
    random,
    log,
    host: executor.host,
    redactor: device.redactor,
    audit: executor.audit,
    approvals: approvalPorts(device, world, executor.audit, (...answer) => runs.answerApproval(...answer)),
    pause,
    say: status.loop('runs'),
    get maxConcurrentRuns() {
      return config.maxConcurrentRuns;
    },
    maxAttempts: config.maxAttempts,
    onActivity: () => keepAwake.changed(),
    onCommitted: (runId) => {
      link?.committed(runId);
      watchers.committed(runId);
    },
    onSettling: (runId) => link?.settle(runId),
    onDelta: (runId, delta) => {
      link?.delta(runId, delta);
      watchers.delta(runId, delta);
    },
  });

  const keepAwake = keepThisAwake(world.platform, device, () => runs);
  loops.push(
    keepAwake
      .run(over.signal)
      .catch((error) => log.error({ reason: messageOf(error) }, 'sleep is no longer held off')),
  );

  const keepLink = async (): Promise<void> => {
    const say = status.loop('link');
    credentials = await untilReadable({
      secrets,
      clock,
      log,
      signal: over.signal,
      wake: unlock,
      say: (sentence) => {
        say(sentence);
        onLocked(sentence);
      },
    });
    if (credentials === undefined || over.signal.aborted) return;
    device.redactor.learn(secretsOf(credentials));
    executor.sendAudit();
    link = openLink({
      device,
      credentials,
      world,
      executor,
      runs,
      say,
      onOnline: (sessionId) => {
        noteStop(device, undefined);
        ready.resolve({ sessionId });
      },
      onStopped: (why) => {
        const reason = explainStop(why);
        void end(reason, true, why !== 'protocol');
        noteStop(device, { why, reason });
      },
    });
    pause.remove('secrets_locked');
    await link.run();
  };

  const end = (reason: string, failed: boolean, final = false): Promise<void> => {
    stopping ??= (async () => {
      log.info({ reason }, 'the daemon stops');
      over.abort();
      link?.drain(reason);
      await closeEach(log, {
        runs: () => recovered.then(() => runs.drain(config.drainMs)),
        link: () => link?.stop(LAST_ACKS_MS),
        ...rest,
      });
      ready.reject(new Error(reason));
      finished.resolve({ reason, failed, final });
    })();
    return stopping;
  };

  /** Whoever starts it again has to find nothing of it: what stays open would keep this process there. */
  const giveUp = async (error: unknown): Promise<never> => {
    over.abort();
    await closeEach(log, rest);
    throw error;
  };

  control = await openControl({
    device,
    world,
    credentials: () => credentials,
    journal,
    runs,
    link: () => link,
    status,
    watchers,
    pause,
    startedAt,
    power: async () => ({ ...(await keepAwake.state()), keepAwake: config.power.keepAwake, lastWake }),
    reloadKeys: async () => {
      if (credentials === undefined) return false;
      const keys = await readProviderKeys(await device.reopenSecrets(), credentials.keys);
      const changed = !isDeepStrictEqual(keys, credentials.keys);
      credentials = { ...credentials, keys };
      device.redactor.learn(secretsOf(credentials));
      return changed;
    },
    retrySecrets: () => unlock.wake('asked'),
    stop: () => void end('asked to by the local door', false).catch(() => {}),
  }).catch(giveUp);
  ready.promise.catch(() => {});
  if (readOwnerPause(journal)) pause.add('owner');
  pause.add('secrets_locked');
  recovered = runs.start();
  await recovered.catch(giveUp);
  loops.push(
    keepLink().catch((error) => {
      void end(
        messageOf(error),
        true,
        isRunmeshError(error, 'not_linked') || isRunmeshError(error, 'identity_broken'),
      );
    }),
    keepHouse(
      {
        journal,
        clock,
        log,
        get retentionDays() {
          return config.retentionDays;
        },
        idle: () => runs.states().size === 0,
        say: status.loop('housekeeping'),
      },
      over.signal,
    ),
  );
  if (!over.signal.aborted)
    executor
      .warm()
      .catch((error) => log.error({ reason: messageOf(error) }, 'the leash could not be started'));
  watchWake({
    clock,
    signal: over.signal,
    tickMs: LIMITS.wakeTickMs,
    gapMs: LIMITS.wakeGapMs,
    networkAddresses,
    onWoke: (woke) => {
      log.info(woke, 'the machine woke, or its network changed');
      if (woke.sleptMs > 0) lastWake = { at: isoTime(clock.now()), sleptSeconds: woke.sleptMs / 1_000 };
      keepAwake.changed();
      link?.woke();
      wakeAfterSleep(unlock, woke);
    },
  }).catch((error) => log.error({ reason: messageOf(error) }, 'sleep is no longer watched'));
  return {
    deviceId: mesh.deviceId,
    ready: ready.promise,
    finished: finished.promise,
    stop: () => end('asked to stop', false),
  };
}

const LAST_ACKS_MS = 3_000;
