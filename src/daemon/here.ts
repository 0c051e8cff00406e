import { z } from 'zod';
import { meshUnreachable, readMeshAnswer } from '../device/mesh-failure.ts';
import { callMesh } from '../device/mesh-http.ts';
import type { Journal } from '../journal/journal.ts';
import { messageOf, RunmeshError } from '../kit/errors.ts';
import { PauseReasons } from '../kit/pause.ts';
import { HerePublisher } from '../link/here-publisher.ts';
import { errorEnvelope } from '../protocol/errors.ts';
import { type DispatchOrder, dispatchOrder } from '../protocol/frames.ts';
import { type RunRequest, runRecord } from '../protocol/run-api.ts';
import type { PauseReason, Runs } from '../runs/ports.ts';
import { createRuns } from '../runs/runs.ts';
import { approvalPorts, unaskedPorts } from './approval-ports.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { type OpenedDevice, openDevice, type World } from './open-device.ts';
import { openExecutor } from './open-executor.ts';
import { secretsOf } from './own-secrets.ts';
import { keepThisAwake } from './power.ts';
import { RunWatchers } from './run-watchers.ts';
import { watchRun } from './watch-run.ts';

/** Answers a question of a run by its id. */
export type AnswerHere = Runs['answerApproval'];

/** What a run that this device starts itself is started in: the daemon, or a process of its own. */
export interface HereParts {
  device: OpenedDevice;
  credentials: Credentials;
  journal: Journal;
  runs: Runs;
  watchers: RunWatchers;
}

/**
 * The local-mac caller: registers a run with the mesh, executes it here, and yields its frames; the last is
 * `{ type: 'record', record }`. Its durable events reach their thread over HTTP. An aborted watch cancels the run.
 */
export async function* startHere(
  { device, credentials, journal, runs, watchers }: HereParts,
  request: RunRequest,
  signal: AbortSignal,
): AsyncGenerator<Record<string, unknown>> {
  const { record, order } = await register(device, credentials, request);
  const refusal = refusalOf(runs, order);
  if (refusal !== undefined) {
    await giveBack(device, credentials, order.runId);
    throw refusal;
  }
  const cancel = () => void runs.cancel(order.runId, 'its caller left');
  signal.addEventListener('abort', cancel, { once: true });
  // Who left while the run was registered is heard by no listener.
  if (signal.aborted) cancel();
  let end: Record<string, unknown> = {};
  for await (const frame of watchRun(
    { journal, watchers, runs },
    order.runId,
    0,
    new AbortController().signal,
  )) {
    if (frame.type === 'run_completed') end = frame.payload as Record<string, unknown>;
    yield frame;
  }
  signal.removeEventListener('abort', cancel);
  yield {
    type: 'record',
    record: { ...record, ...end, completedAt: new Date(device.clock.now()).toISOString() },
  };
}

/**
 * The same in a process of its own, for a device whose daemon does not run. `onAnswerable` is given the way to answer the run's
 * questions; without it there is nobody to ask, and a question is a no.
 */
export async function* runHere(
  world: World,
  request: RunRequest,
  signal: AbortSignal,
  onAnswerable?: (answer: AnswerHere) => void,
): AsyncGenerator<Record<string, unknown>> {
  const device = await openDevice(world);
  const { config, clock, random, log, mesh, network } = device;
  const credentials = await readCredentials(device.secrets);
  device.redactor.learn(secretsOf(credentials));
  const { journal, audit, host, close } = openExecutor(device, world, () => credentials);
  const watchers = new RunWatchers();
  const access = { meshUrl: mesh.url, apiKey: credentials.apiKey, fetch: network.fetch };
  const publisher = new HerePublisher({
    ...{ journal, clock, random, log, access },
    forget: (runId) => runs.forget(runId),
    say: () => {},
  });
  const over = new AbortController();
  const publishing = publisher.run(over.signal);
  const ports = approvalPorts(device, world, audit, (...answer) => runs.answerApproval(...answer));
  const runs = createRuns({
    journal,
    clock,
    random,
    log,
    host,
    redactor: device.redactor,
    audit,
    approvals: onAnswerable === undefined ? unaskedPorts(ports) : ports,
    pause: new PauseReasons<PauseReason>(),
    say: () => {},
    maxConcurrentRuns: config.maxConcurrentRuns,
    maxAttempts: config.maxAttempts,
    onCommitted: (runId) => {
      publisher.committed();
      watchers.committed(runId);
    },
    onSettling: () => {},
    onDelta: (runId, delta) => watchers.delta(runId, delta),
    onActivity: () => keepAwake.changed(),
  });
  const keepAwake = keepThisAwake(world.platform, device, () => runs);
  const awake = keepAwake.run(over.signal).catch((error) => {
    log.error({ reason: messageOf(error) }, 'sleep is not held off');
  });
  onAnswerable?.(runs.answerApproval);
  try {
    yield* startHere({ device, credentials, journal, runs, watchers }, request, signal);
  } finally {
    await runs.drain(config.drainMs);
    over.abort();
    await Promise.all([publishing, awake]);
    try {
      await publisher.finish();
    } finally {
      await close();
    }
  }
}

/** Why this device does not take the run, in words; `undefined` where it did. */
function refusalOf(runs: Runs, order: DispatchOrder): unknown {
  try {
    const accepted = runs.accept(order, 'here');
    return accepted.accepted ? undefined : new RunmeshError(`rejected_${accepted.code}`, accepted.message);
  } catch (error) {
    return error;
  }
}

/** A run that was registered and not taken would hold up its thread. A mesh that does not hear it now misses it in a heartbeat. */
async function giveBack({ mesh, network, log }: OpenedDevice, { apiKey }: Credentials, runId: string) {
  try {
    await callMesh(
      { url: mesh.url, fetch: network.fetch },
      `/v1/run/${encodeURIComponent(runId)}/cancel`,
      { reason: 'its device did not take it' },
      { authorization: `Bearer ${apiKey}` },
      AbortSignal.timeout(GIVE_BACK_MS),
    );
  } catch (error) {
    log.warn({ runId, reason: messageOf(error) }, 'a run that was not taken could not be given back');
  }
}

async function register({ mesh, network }: OpenedDevice, { apiKey }: Credentials, request: RunRequest) {
  let response: Response;
  try {
    response = await network.fetch(`${mesh.url}/v1/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: false }),
    });
  } catch (error) {
    throw meshUnreachable(mesh.url, error, 'the network');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    const failure = errorEnvelope.safeParse(body);
    const { code, message } = failure.success
      ? failure.data.error
      : {
          code: 'not_a_mesh',
          message: `${mesh.url} does not answer like a mesh (status ${response.status}).`,
        };
    throw new RunmeshError(code, message);
  }
  const { data } = readMeshAnswer(heldRun, body, mesh.url);
  if (data.order === undefined) {
    throw new RunmeshError(
      'agent_not_here',
      `The agent "${request.agent}" is not bound to this device, so it cannot run here. Use \`runmesh run\` without --here.`,
    );
  }
  return {
    record: readMeshAnswer(runRecord, data, mesh.url),
    order: readMeshAnswer(dispatchOrder, data.order, mesh.url),
  };
}

/** A run that its caller executes comes with its order. */
const heldRun = z.object({ data: z.looseObject({ order: z.unknown().optional() }) });
const GIVE_BACK_MS = 5_000;
