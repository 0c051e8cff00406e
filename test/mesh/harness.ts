import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/kit/clock.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog, type Log } from '../../src/kit/log.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { type MeshOptions, type ModelGateway, startMesh } from '../../src/mesh/mesh.ts';
import type { DeviceEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { type ApiAnswer, callApi } from '../support/api.ts';
import { type DeviceClient, linkDevice, type TestDevice } from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';

export interface TestMesh {
  url: string;
  apiKey: string;
  dataDir: string;
  /** Log lines as objects. */
  logged: Record<string, unknown>[];
  close(options?: { retryAfterMs?: number }): Promise<void>;
  call(method: string, path: string, body?: unknown, apiKey?: string | null): Promise<ApiAnswer>;
}

/** A real mesh on a free port of loopback, gone when the test is. */
export async function openMesh(
  options: Partial<Omit<MeshOptions, 'random' | 'log'>> = {},
): Promise<TestMesh> {
  const logged: Record<string, unknown>[] = [];
  const dataDir = options.dataDir ?? tempDir();
  const clock = options.clock ?? systemClock;
  const running = await startMesh({
    host: '127.0.0.1',
    port: 0,
    ...options,
    dataDir,
    clock,
    random: systemRandom,
    log: logInto(logged),
    models: options.models ?? NO_MODELS,
  });
  let closing: Promise<void> | undefined;
  const close = (how?: { retryAfterMs?: number }) => {
    // A moment for the client's pool to notice, before a test opens the same port again.
    closing ??= settleWith(clock, running.close(how)).then(
      () => new Promise((resolve) => setTimeout(resolve, 5)),
    );
    return closing;
  };
  onTestFinished(() => close());
  const mesh = { url: running.url, apiKey: running.firstApiKey };
  return {
    ...mesh,
    dataDir,
    logged,
    close,
    call: (method, path, body, apiKey) => {
      return callApi(mesh, method, path, { body, ...(apiKey === undefined ? {} : { apiKey }) });
    },
  };
}

/** A linked device and a `local-mac` agent bound to it. */
export async function openBoundMesh(options: Parameters<typeof openMesh>[0] = {}): Promise<{
  mesh: TestMesh;
  device: TestDevice;
}> {
  const mesh = await openMesh(options);
  const device = await linkDevice(mesh);
  await bindAgent(mesh, device);
  return { mesh, device };
}

export async function bindAgent(mesh: TestMesh, device: TestDevice, slug = 'fixer'): Promise<ApiAnswer> {
  return mesh.call('POST', '/v1/agents', {
    slug,
    model: 'openai/test',
    executionMode: 'local-mac',
    targetDeviceId: device.deviceId,
  });
}

/** Starts a run as a JSON call that does not wait: its device is away, or answers `registered` at once. */
export async function startRun(mesh: TestMesh, body: Record<string, unknown> = {}): Promise<ApiAnswer> {
  return mesh.call('POST', '/v1/run', { agent: 'fixer', prompt: 'fix the test', stream: false, ...body });
}

/** Takes the next dispatch and accepts it. */
export async function acceptDispatch(
  client: DeviceClient,
): Promise<{ runId: string; threadId: string; rolloutId: string }> {
  const dispatch = await client.take('dispatch');
  client.send({ type: 'accepted', runId: dispatch.runId, attempt: dispatch.attempt });
  return dispatch;
}

export function event(runSequence: number, type: string, payload: DeviceEvent['payload'] = {}): DeviceEvent {
  return { runSequence, type, payload, createdAt: '2026-01-01T00:00:00.000Z' };
}

export function completed(runSequence: number, result = 'done'): DeviceEvent {
  return event(runSequence, 'run_completed', {
    status: 'completed',
    result,
    usage: { ...NO_USAGE },
    iterations: 1,
  });
}

export function sendEvents(client: DeviceClient, runId: string, events: DeviceEvent[], attempt = 1): void {
  client.send({ type: 'events', runId, journalEpoch: 'epoch-1', attempt, events });
}

/** Asks until `fits`, for what the mesh does after it answered. */
export async function eventually<T>(ask: () => T | Promise<T>, fits: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 5_000;
  for (;;) {
    const value = await ask();
    if (fits(value)) return value;
    if (Date.now() > end) throw new Error(`never came: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function logInto(lines: Record<string, unknown>[]): Log {
  return createLog({
    level: 'debug',
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
}

/** Lets a mesh on a fake clock come to its end. */
async function settleWith(clock: Clock, work: Promise<void>): Promise<void> {
  if (!(clock instanceof FakeClock)) return work;
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  while (!done) {
    await clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await settled;
}

const NO_MODELS: ModelGateway = {
  available: () => ({ platform: [], byok: [] }),
  stream: () => Promise.reject(new Error('this mesh has no models')),
};
