import { describe, expect, it } from 'vitest';
import { callApi, SseReader } from '../support/api.ts';
import { DeviceClient, linkDevice } from '../support/device-client.ts';
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
} from './harness.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4/;

describe('an agent', () => {
  it('is created, left alone and updated by its slug', async () => {
    const { mesh, device } = await openBoundMesh();
    const body = {
      slug: 'fixer',
      model: 'openai/test',
      executionMode: 'local-mac',
      targetDeviceId: device.deviceId,
    };
    const same = await mesh.call('POST', '/v1/agents', body);
    expect([same.status, same.data.action, same.data.version]).toEqual([200, 'unchanged', 1]);
    const changed = await mesh.call('POST', '/v1/agents', { ...body, systemPrompt: 'Be brief.' });
    expect(changed.data).toMatchObject({ action: 'updated', version: 2, targetDeviceId: device.deviceId });
    expect(changed.data.endpoint).toBe(`${mesh.url}/v1/agents/fixer/run`);
    expect((await mesh.call('GET', '/v1/agents/fixer')).data).toMatchObject({
      systemPrompt: 'Be brief.',
      version: 2,
    });
    expect((await mesh.call('GET', '/v1/agents')).data).toHaveLength(1);
    expect((await mesh.call('GET', '/v1/agents/nobody')).status).toBe(404);
  });

  it('on a Mac needs a linked device and has no sandbox', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const upsert = async (extra: object) => {
      const body = { slug: 'a', model: 'm', executionMode: 'local-mac', ...extra };
      const answer = await mesh.call('POST', '/v1/agents', body);
      return [answer.status, answer.body.error?.field];
    };
    expect(await upsert({})).toEqual([400, 'targetDeviceId']);
    expect(await upsert({ targetDeviceId: 'dev_none' })).toEqual([400, 'targetDeviceId']);
    expect(await upsert({ targetDeviceId: device.deviceId, sandbox: 'sbx' })).toEqual([400, 'sandbox']);
    expect(await upsert({ targetDeviceId: device.deviceId, temperature: 3 })).toEqual([400, 'temperature']);
  });

  it('of another execution mode is stored, and its runs say what is missing', async () => {
    const mesh = await openMesh();
    for (const executionMode of ['managed', 'in_sandbox']) {
      const slug = executionMode.replace('_', '-');
      expect((await mesh.call('POST', '/v1/agents', { slug, model: 'm', executionMode })).status).toBe(201);
      const run = await mesh.call('POST', '/v1/run', { agent: slug, prompt: 'x' });
      expect([run.status, run.body.error.code]).toEqual([501, 'not_implemented']);
      expect(run.body.error.message).toContain('missing');
    }
  });
});

describe('a run', () => {
  it('travels to its device, and its JSON caller gets the record when it ends', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const answer = startRun(mesh, { config: { maxTurns: 7 }, metadata: { workspace: 'site' } });
    const dispatch = await client.take('dispatch');
    expect(dispatch).toMatchObject({
      attempt: 1,
      agent: { slug: 'fixer', model: 'openai/test' },
      input: [{ role: 'user', content: 'fix the test' }],
      history: [],
      config: { maxTurns: 7 },
      metadata: { workspace: 'site' },
    });
    client.send({ type: 'accepted', runId: dispatch.runId, attempt: 1 });
    const record = async () => (await mesh.call('GET', `/v1/run/${dispatch.runId}`)).data;
    await eventually(record, ({ status }) => status === 'dispatched');
    sendEvents(client, dispatch.runId, [event(1, 'run_started')]);
    await eventually(record, ({ status }) => status === 'running');
    sendEvents(client, dispatch.runId, [completed(2, 'it works')]);
    const { status, data } = await answer;
    expect(status).toBe(200);
    expect(data).toMatchObject({
      runId: expect.stringMatching(UUID),
      sandboxId: null,
      threadId: dispatch.threadId,
      rolloutId: dispatch.rolloutId,
      executionMode: 'local-mac',
      targetDeviceId: device.deviceId,
      status: 'completed',
      result: 'it works',
      iterations: 1,
      deviceOnline: true,
    });
    expect(Object.keys(data.usage)).toHaveLength(7);
    expect(await client.take('ack')).toEqual({ type: 'ack', runId: dispatch.runId, runSequence: 2 });
  });

  it('waits for a device that is offline, and says so', async () => {
    const { mesh, device } = await openBoundMesh();
    const answer = await startRun(mesh);
    expect(answer.data).toMatchObject({ status: 'registered', deviceOnline: false, result: null });
    const stream = await SseReader.open(mesh, 'POST', '/v1/run', {
      body: { agent: 'fixer', prompt: 'second' },
    });
    await eventually(
      () => stream.comments.join(),
      (comments) => comments.includes('offline'),
    );
    const { client } = await DeviceClient.connect(device);
    const first = await acceptDispatch(client);
    const second = await acceptDispatch(client);
    expect(first.runId).toBe(answer.data.runId);
    sendEvents(client, second.runId, [completed(1)]);
    expect((await stream.until(({ event: type }) => type === 'run_completed')).data.runId).toBe(second.runId);
    expect(await stream.ended).toBe(true);
  });

  it('fails at once with 409 device_offline for a caller who would rather not wait', async () => {
    const { mesh } = await openBoundMesh();
    const answer = await startRun(mesh, { metadata: { failIfOffline: true } });
    expect([answer.status, answer.body.error.code]).toEqual([409, 'device_offline']);
    expect((await mesh.call('GET', '/v1/run')).data).toEqual([]);
  });

  it('is refused for unknown agents and threads, other agents’ threads and bad bodies', async () => {
    const { mesh, device } = await openBoundMesh();
    expect((await startRun(mesh, { agent: 'nobody' })).status).toBe(404);
    expect((await startRun(mesh, { threadId: 'thr_none' })).status).toBe(404);
    expect((await startRun(mesh, { prompt: undefined })).body.error.field).toBe('prompt');
    expect((await startRun(mesh, { config: { maxTurns: 1_001 } })).body.error.field).toBe('config.maxTurns');
    // A run in another folder than was meant, or one that waits where it should have been refused, is no small mistake.
    const where = await startRun(mesh, { metadata: { workspace: 7 } });
    expect([where.status, where.body.error.field]).toEqual([400, 'metadata.workspace']);
    const when = await startRun(mesh, { metadata: { failIfOffline: 'yes' } });
    expect([when.status, when.body.error.field]).toEqual([400, 'metadata.failIfOffline']);
    await bindAgent(mesh, device, 'other');
    const { threadId } = (await startRun(mesh)).data;
    expect((await startRun(mesh, { agent: 'other', threadId })).status).toBe(409);
  });

  it('goes on in its thread with the whole history, after the run before it has ended', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const first = startRun(mesh, { prompt: 'one two three four five six seven eight nine ten eleven' });
    const { runId, threadId } = await acceptDispatch(client);
    const second = startRun(mesh, { threadId, prompt: 'go on' });
    const legacy = await mesh.call('GET', '/v1/run/threads?agent=fixer');
    expect(legacy.data[0]).toMatchObject({
      id: threadId,
      title: 'one two three four five six seven eight nine ten',
    });
    expect(client.holds('dispatch')).toBe(false);
    sendEvents(client, runId, [event(1, 'user_message', { messageId: 'm1', text: 'one' }), completed(2)]);
    await first;
    const next = await client.take('dispatch');
    expect(next.history.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['user_message', 1],
      ['run_completed', 2],
    ]);
    client.send({ type: 'accepted', runId: next.runId, attempt: 1 });
    sendEvents(client, next.runId, [completed(1, 'second')]);
    expect((await second).data.result).toBe('second');
    const { data, body } = await mesh.call('GET', `/v1/threads/${threadId}/events?limit=2`);
    expect(data.thread.id).toBe(threadId);
    expect(data.events.map((one: { sequence: number }) => one.sequence)).toEqual([1, 2]);
    const rest = await mesh.call('GET', `/v1/threads/${threadId}/events?cursor=${body.nextCursor}`);
    expect(rest.data.events).toMatchObject([{ sequence: 3, runSequence: 1, runId: next.runId }]);
    expect((await mesh.call('GET', `/v1/threads/${threadId}/events?after=2`)).data.events).toHaveLength(1);
    expect((await mesh.call('GET', `/v1/threads/${threadId}/rollouts`)).data[0].eventCount).toBe(3);
    expect((await mesh.call('GET', '/v1/threads')).data).toHaveLength(1);
  });

  it('is listed by agent and status', async () => {
    const { mesh } = await openBoundMesh();
    const { runId, threadId } = (await startRun(mesh)).data;
    const [row] = (await mesh.call('GET', '/v1/run?agent=fixer&status=registered')).data;
    expect(row).toMatchObject({
      id: runId,
      threadId,
      agent: 'fixer',
      status: 'registered',
      userId: 'usr_owner',
    });
    expect((await mesh.call('GET', '/v1/run?status=completed')).data).toEqual([]);
    expect((await mesh.call('GET', '/v1/run?status=sleeping')).body.error.field).toBe('status');
  });

  it('is started once by an Idempotency-Key, which refuses another body', async () => {
    const { mesh } = await openBoundMesh();
    const start = (prompt: string) =>
      callApi(mesh, 'POST', '/v1/run', {
        body: { agent: 'fixer', prompt, stream: false },
        headers: { 'Idempotency-Key': 'order-7' },
      });
    const [one, two] = [await start('a'), await start('a')];
    expect(two.data.runId).toBe(one.data.runId);
    const other = await start('b');
    expect([other.status, other.body.error.code]).toEqual([409, 'conflict']);
    expect((await mesh.call('GET', '/v1/run')).data).toHaveLength(1);
  });

  it('starts by the older path too', async () => {
    const { mesh } = await openBoundMesh();
    const answer = await mesh.call('POST', '/v1/agents/fixer/run', { prompt: 'x', stream: false });
    expect(answer.data).toMatchObject({ agent: 'fixer', status: 'registered' });
    expect((await mesh.call('POST', '/v1/agents/fixer/run', { stream: false })).body.error.field).toBe(
      'prompt',
    );
  });

  it('with more history than a frame holds is fetched by its device alone', async () => {
    const { mesh, device } = await openBoundMesh();
    const stranger = await linkDevice(mesh, 'other');
    const { runId } = (await startRun(mesh, { prompt: 'x'.repeat(1_048_576) })).data;
    const { client } = await DeviceClient.connect(device);
    const { path } = await client.take('dispatch_ref');
    expect((await mesh.call('GET', path, undefined, stranger.apiKey)).status).toBe(404);
    expect((await mesh.call('GET', path)).status).toBe(404);
    const { data } = await mesh.call('GET', path, undefined, device.apiKey);
    expect(data).toMatchObject({ runId, attempt: 1, history: [] });
    expect(data.input[0].content).toHaveLength(1_048_576);
  });
});
