import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callApi, SseReader } from '../support/api.ts';
import { DeviceClient } from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';
import {
  acceptDispatch,
  completed,
  event,
  eventually,
  openBoundMesh,
  openMesh,
  sendEvents,
  startRun,
  type TestMesh,
} from './harness.ts';

describe('a mesh that starts again with the same folder', () => {
  it('has its keys, devices, agents, threads and runs, and takes a run up where it was', async () => {
    const dataDir = tempDir();
    const { mesh, device } = await openBoundMesh({ dataDir });
    const { client, welcome } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId, threadId } = await acceptDispatch(client);
    sendEvents(client, runId, [
      event(1, 'run_started'),
      event(2, 'user_message', { messageId: 'm', text: 'x' }),
    ]);
    await client.take('ack');
    const port = Number(new URL(mesh.url).port);
    await mesh.close({ retryAfterMs: 2_000 });
    expect(await client.take('drain')).toMatchObject({ retryAfterMs: 2_000 });
    expect((await client.closed).code).toBe(1012);

    const again = await openMesh({ dataDir, port });
    expect(again.apiKey).toBe(mesh.apiKey);
    expect((await again.call('GET', '/v1/agents/fixer')).status).toBe(200);
    expect((await again.call('GET', `/v1/threads/${threadId}`)).status).toBe(200);
    expect((await again.call('GET', '/v1/runmesh/nodes', undefined, device.apiKey)).status).toBe(403);
    const back = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 3 }] });
    expect(back.welcome.meshEpoch).toBe(welcome.meshEpoch);
    expect(back.welcome.runs).toEqual([{ runId, ackedRunSequence: 2, deltas: [], verdict: 'resume' }]);
    const stream = await SseReader.open(again, 'GET', `/v1/run/${runId}/events`, {
      headers: { 'Last-Event-ID': `${runId}:1` },
    });
    sendEvents(back.client, runId, [event(3, 'error', { code: 'x', message: 'y' }), completed(4)]);
    await stream.ended;
    expect(stream.frames.map(({ data }) => data.runSequence)).toEqual([2, 3, 4]);
    expect((await again.call('GET', `/v1/run/${runId}`)).data.status).toBe('completed');
  });

  it('dispatches what waited, and keeps Idempotency-Keys', async () => {
    const dataDir = tempDir();
    const { mesh, device } = await openBoundMesh({ dataDir });
    const start = (at: TestMesh) => {
      const body = { agent: 'fixer', prompt: 'x', stream: false };
      return callApi(at, 'POST', '/v1/run', { body, headers: { 'Idempotency-Key': 'once' } });
    };
    const { runId } = (await start(mesh)).data;
    await mesh.close();
    const again = await openMesh({ dataDir, port: Number(new URL(mesh.url).port) });
    expect((await start(again)).data.runId).toBe(runId);
    const { client } = await DeviceClient.connect(device);
    expect((await client.take('dispatch')).runId).toBe(runId);
  });

  it('writes a new owner’s key where the file was lost, and refuses a file that is none', async () => {
    const dataDir = tempDir();
    const first = await openMesh({ dataDir });
    await first.close();
    const path = join(dataDir, 'owner.key');
    expect(existsSync(path)).toBe(true);
    rmSync(path);
    const second = await openMesh({ dataDir });
    expect(second.apiKey).not.toBe(first.apiKey);
    expect((await second.call('GET', '/v1/agents', undefined, first.apiKey)).status).toBe(200);
    expect(readFileSync(path, 'utf8').trim()).toBe(second.apiKey);
    await second.close();
    writeFileSync(path, 'garbage');
    await expect(openMesh({ dataDir })).rejects.toMatchObject({ code: 'owner_key_broken' });
  });

  it('says goodbye to callers who wait', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const waiting = startRun(mesh);
    await acceptDispatch(client);
    const stream = await SseReader.open(mesh, 'POST', '/v1/run', { body: { agent: 'fixer', prompt: 'x' } });
    await mesh.close();
    const answer = await waiting;
    expect([answer.status, answer.body.error.code]).toEqual([503, 'unavailable']);
    expect(await stream.ended).toBe(true);
  });
});

describe('a run whose device lost it', () => {
  async function takenRun() {
    const opened = await openBoundMesh();
    const { client } = await DeviceClient.connect(opened.device);
    void startRun(opened.mesh).catch(() => {});
    const { runId } = await acceptDispatch(client);
    sendEvents(client, runId, [
      event(1, 'run_started'),
      event(2, 'assistant_message', {
        messageId: 'm',
        text: 'x',
        usage: {
          promptTokens: 7,
          completionTokens: 3,
          totalTokens: 10,
          inputTokens: 7,
          outputTokens: 3,
          cachedInputTokens: 0,
          reasoningTokens: 0,
        },
      }),
    ]);
    await client.take('ack');
    await client.close();
    const record = async () => (await opened.mesh.call('GET', `/v1/run/${runId}`)).data;
    return { ...opened, runId, record };
  }
  const cursor = (runId: string, lastRunSequence: number) => ({ runId, attempt: 1, lastRunSequence });

  it('because its journal was begun anew fails with journal_lost and keeps its usage', async () => {
    const { device, runId, record } = await takenRun();
    await DeviceClient.connect(device, { journalEpoch: 'epoch-2' });
    expect(await record()).toMatchObject({
      status: 'failed',
      error: { code: 'journal_lost' },
      usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
      iterations: 1,
      runId,
    });
  });

  it('because its journal went back in time fails too', async () => {
    const { device, runId, record } = await takenRun();
    const { welcome } = await DeviceClient.connect(device, { runs: [cursor(runId, 1)] });
    expect(welcome.runs).toMatchObject([{ runId, verdict: 'forget' }]);
    expect((await record()).error.code).toBe('journal_lost');
  });

  it('in another journal’s numbers is forgotten', async () => {
    const { device, runId, record } = await takenRun();
    const { welcome } = await DeviceClient.connect(device, {
      journalEpoch: 'epoch-2',
      runs: [cursor(runId, 9)],
    });
    expect(welcome.runs).toMatchObject([{ runId, verdict: 'forget' }]);
    expect((await record()).error.code).toBe('journal_lost');
  });

  it('is told by a cancel that the device refuses because it has no such run', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId } = await acceptDispatch(client);
    const record = async () => (await mesh.call('GET', `/v1/run/${runId}`)).data;
    await eventually(record, ({ status }) => status === 'dispatched');
    await mesh.call('POST', `/v1/run/${runId}/cancel`);
    const { orderId } = await client.take('cancel');
    client.send({
      type: 'order_result',
      runId,
      orderId,
      status: 'refused',
      code: 'unknown_run',
      message: 'No.',
    });
    await eventually(record, ({ status }) => status === 'failed');
    expect((await record()).error.code).toBe('journal_lost');
  });

  it('is told from one whose acceptance was lost on the way, which goes on', async () => {
    const { mesh, device } = await openBoundMesh();
    const { runId } = (await startRun(mesh)).data;
    const { client, welcome } = await DeviceClient.connect(device, {
      runs: [cursor(runId, 0), cursor('unknown', 4)],
    });
    expect(welcome.runs).toMatchObject([
      { runId, ackedRunSequence: 0, verdict: 'resume' },
      { runId: 'unknown', verdict: 'forget' },
    ]);
    expect((await mesh.call('GET', `/v1/run/${runId}`)).data.status).toBe('dispatched');
    expect(client.holds('dispatch')).toBe(false);
  });
});

describe('a deadline', () => {
  it('fails a run that no device took', async () => {
    const clock = new FakeClock();
    const { mesh } = await openBoundMesh({ clock });
    const { runId } = (await startRun(mesh, { config: { deadlineMs: 5_000 } })).data;
    await clock.advance(4_000);
    expect((await mesh.call('GET', `/v1/run/${runId}`)).data.status).toBe('registered');
    await clock.advance(2_000);
    expect((await mesh.call('GET', `/v1/run/${runId}`)).data).toMatchObject({
      status: 'failed',
      error: { code: 'deadline_exceeded' },
    });
  });

  /** A run of five seconds that its device has taken. */
  async function takenRun() {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { runId } = (await startRun(mesh, { config: { deadlineMs: 5_000 } })).data;
    const { client } = await DeviceClient.connect(device);
    await acceptDispatch(client);
    const record = async () => (await mesh.call('GET', `/v1/run/${runId}`)).data;
    await eventually(record, ({ status }) => status === 'dispatched');
    return { clock, mesh, device, client, runId, record };
  }

  it('leaves a taken run to its device, and fails it a minute later if that stays away', async () => {
    const { clock, device, client, runId, record } = await takenRun();
    await client.close();
    await clock.advance(60_000);
    expect((await record()).status).toBe('dispatched');
    await clock.advance(7_000);
    expect((await record()).error.code).toBe('deadline_exceeded');
    const back = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 4 }] });
    expect(back.welcome.runs).toMatchObject([{ runId, verdict: 'forget' }]);
  });

  it('ends a taken run ten minutes later where its device is here and does not', async () => {
    const { clock, client, runId, record } = await takenRun();
    await passBeating(clock, client, 9 * 60_000);
    expect((await record()).status).toBe('dispatched');
    await passBeating(clock, client, 80_000);
    expect(await record()).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    sendEvents(client, runId, [event(1, 'run_started')]);
    expect((await client.closed).code).toBe(4010);
  });
});

describe('a run that this device started itself', () => {
  async function heldRun() {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { client } = await DeviceClient.connect(device);
    const body = { agent: 'fixer', prompt: 'x', stream: false };
    const { runId } = (await mesh.call('POST', '/v1/run', body, device.apiKey)).data;
    const record = async () => (await mesh.call('GET', `/v1/run/${runId}`)).data;
    return { clock, client, runId, record };
  }

  it('and does not know minutes later fails with journal_lost', async () => {
    const { clock, client, record } = await heldRun();
    await passBeating(clock, client, 60_000, []);
    expect((await record()).status).toBe('registered');
    await passBeating(clock, client, 80_000, []);
    expect(await record()).toMatchObject({ status: 'failed', error: { code: 'journal_lost' } });
  });

  it('and holds may wait its turn as long as it likes', async () => {
    const { clock, client, runId, record } = await heldRun();
    await passBeating(clock, client, 300_000, [runId]);
    expect((await record()).status).toBe('registered');
  });

  it('stays where its device does not say which it holds, as earlier ones do not', async () => {
    const { clock, client, record } = await heldRun();
    await passBeating(clock, client, 300_000);
    expect((await record()).status).toBe('registered');
  });
});

/** Lets time pass over a device that is connected and says of its own runs what it is given here. */
async function passBeating(
  clock: FakeClock,
  client: DeviceClient,
  ms: number,
  here?: string[],
): Promise<void> {
  for (let left = ms; left > 0; left -= 20_000) {
    await clock.advance(Math.min(20_000, left));
    while (client.holds('heartbeat')) await client.take('heartbeat');
    client.send({ type: 'heartbeat', runs: [], ...(here !== undefined && { here }) });
    await client.take('heartbeat');
  }
}
