import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/protocol/limits.ts';
import { SseReader } from '../support/api.ts';
import { DeviceClient } from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  acceptDispatch,
  completed,
  event,
  eventually,
  openBoundMesh,
  sendEvents,
  startRun,
} from './harness.ts';

/** Whether such a frame has come, once the mesh has read all that was said to it and its own words are here. */
async function heldNow(client: DeviceClient, type: 'cancel'): Promise<boolean> {
  client.send({ type: 'heartbeat', runs: [] });
  await client.take('heartbeat');
  return client.holds(type);
}

const NO_USAGE = expect.objectContaining({ totalTokens: 0 });

describe('cancelling a run', () => {
  it('ends it at once where no device took it, with one run_completed', async () => {
    const { mesh, device } = await openBoundMesh();
    const { runId, threadId } = (await startRun(mesh)).data;
    const answer = await mesh.call('POST', `/v1/run/${runId}/cancel`);
    expect(answer.data).toMatchObject({ status: 'cancelled', result: null, usage: NO_USAGE });
    const { events } = (await mesh.call('GET', `/v1/threads/${threadId}/events`)).data;
    expect(events).toMatchObject([
      { type: 'run_completed', runSequence: 1, payload: { status: 'cancelled' } },
    ]);
    expect((await mesh.call('POST', `/v1/run/${runId}/cancel`)).data.status).toBe('cancelled');
    const { client } = await DeviceClient.connect(device);
    expect(client.holds('dispatch')).toBe(false);
  });

  it('reaches the device that has it, which ends it', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const waiting = startRun(mesh);
    const { runId } = await acceptDispatch(client);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'dispatched',
    );
    await mesh.call('POST', `/v1/run/${runId}/cancel`, { reason: 'wrong branch' });
    const order = await client.take('cancel');
    expect(order).toMatchObject({ runId, reason: 'wrong branch' });
    await mesh.call('POST', `/v1/run/${runId}/cancel`);
    client.send({ type: 'order_result', runId, orderId: order.orderId, status: 'done' });
    const end = completed(1);
    sendEvents(client, runId, [{ ...end, payload: { ...end.payload, status: 'cancelled', result: null } }]);
    expect((await waiting).data.status).toBe('cancelled');
    expect(client.holds('cancel')).toBe(false);
  });

  it('waits for a device that is away, and then is its verdict', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId } = await acceptDispatch(client);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'dispatched',
    );
    await client.close();
    expect((await mesh.call('POST', `/v1/run/${runId}/cancel`)).data.status).toBe('dispatched');
    const back = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
    expect(back.welcome.runs).toEqual([{ runId, ackedRunSequence: 0, deltas: [], verdict: 'cancel' }]);
    const end = completed(1);
    sendEvents(back.client, runId, [{ ...end, payload: { ...end.payload, status: 'cancelled' } }]);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'cancelled',
    );
  });

  it('is repeated on the same connection until the device answers, and then no more', async () => {
    const clock = new FakeClock();
    const { mesh, device } = await openBoundMesh({ clock });
    const { runId } = (await startRun(mesh)).data;
    const { client } = await DeviceClient.connect(device);
    await acceptDispatch(client);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'dispatched',
    );
    await mesh.call('POST', `/v1/run/${runId}/cancel`);
    const { orderId } = await client.take('cancel');
    await clock.advance(LIMITS.dispatchRetryMs - 1_000);
    expect(await heldNow(client, 'cancel')).toBe(false);
    await clock.advance(2_000);
    expect(await client.take('cancel')).toMatchObject({ runId, orderId });
    client.send({ type: 'order_result', runId, orderId, status: 'done' });
    await heldNow(client, 'cancel');
    await clock.advance(LIMITS.dispatchRetryMs + 2_000);
    expect(await heldNow(client, 'cancel')).toBe(false);
  });

  it('is refused for a run that completed, and for one nobody knows', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const waiting = startRun(mesh);
    const { runId } = await acceptDispatch(client);
    sendEvents(client, runId, [completed(1)]);
    await waiting;
    const answer = await mesh.call('POST', `/v1/run/${runId}/cancel`);
    expect([answer.status, answer.body.error.code]).toEqual([409, 'run_ended']);
    expect((await mesh.call('POST', '/v1/run/none/cancel')).status).toBe(404);
  });

  it('of a run whose dispatch is on its way makes the device shake hands anew and forget it', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId } = await client.take('dispatch');
    await mesh.call('POST', `/v1/run/${runId}/cancel`);
    client.send({ type: 'accepted', runId, attempt: 1 });
    expect((await client.closed).code).toBe(4010);
    const back = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
    expect(back.welcome.runs).toMatchObject([{ runId, verdict: 'forget' }]);
  });
});

describe('steering a run', () => {
  it('brings the words to the device and its answer back', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    void startRun(mesh).catch(() => {});
    const { runId } = await acceptDispatch(client);
    sendEvents(client, runId, [event(1, 'run_started')]);
    await client.take('ack');
    const answer = mesh.call('POST', `/v1/run/${runId}/steer`, { text: 'use tabs' });
    const order = await client.take('steer');
    expect(order).toMatchObject({ runId, text: 'use tabs' });
    client.send({ type: 'order_result', runId, orderId: order.orderId, status: 'done' });
    expect((await answer).data).toEqual({ orderId: order.orderId, runId, status: 'done' });
    const refused = mesh.call('POST', `/v1/run/${runId}/steer`, { text: 'and spaces' });
    const second = await client.take('steer');
    client.send({
      type: 'order_result',
      runId,
      orderId: second.orderId,
      status: 'refused',
      code: 'x',
      message: 'No.',
    });
    expect((await refused).body.error).toMatchObject({ code: 'conflict', message: 'No.' });
    expect((await mesh.call('POST', `/v1/run/${runId}/steer`, { text: '' })).body.error.field).toBe('text');
  });

  it('waits for a run that was not taken yet, and is repeated on the next connection until answered', async () => {
    const { mesh, device } = await openBoundMesh();
    const { runId } = (await startRun(mesh)).data;
    const { orderId, status } = (await mesh.call('POST', `/v1/run/${runId}/steer`, { text: 'first' })).data;
    expect(status).toBe('pending');
    const one = await DeviceClient.connect(device);
    await acceptDispatch(one.client);
    expect((await one.client.take('steer')).orderId).toBe(orderId);
    await one.client.close();
    const two = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
    expect((await two.client.take('steer')).orderId).toBe(orderId);
    two.client.send({ type: 'order_result', runId, orderId, status: 'done' });
    await two.client.close();
    const three = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
    sendEvents(three.client, runId, [completed(1)]);
    await three.client.take('ack');
    expect(three.client.holds('steer')).toBe(false);
    expect((await mesh.call('POST', `/v1/run/${runId}/steer`, { text: 'late' })).status).toBe(409);
  });
});

describe('revoking a device', () => {
  it('closes its socket with 4504, ends its key and fails its runs, and it may not come back', async () => {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const stream = await SseReader.open(mesh, 'POST', '/v1/run', { body: { agent: 'fixer', prompt: 'x' } });
    const { runId } = await acceptDispatch(client);
    sendEvents(client, runId, [event(1, 'run_started')]);
    await client.take('ack');
    const path = `/v1/runmesh/nodes/${device.deviceId}`;
    expect((await mesh.call('POST', `${path}/revoke`)).data.status).toBe('revoked');
    expect((await client.closed).code).toBe(4504);
    const end = await stream.until(({ event: type }) => type === 'run_completed');
    expect(end.data.payload).toMatchObject({ status: 'failed', error: { code: 'device_revoked' } });
    expect(end.id).toBe(`${runId}:2`);
    expect((await mesh.call('GET', '/v1/agents', undefined, device.apiKey)).status).toBe(401);
    const again = new DeviceClient(mesh.url);
    await again.sayHello(device);
    expect((await again.closed).code).toBe(4504);
    expect((await startRun(mesh)).status).toBe(409);
    const bind = { slug: 'b', model: 'm', executionMode: 'local-mac', targetDeviceId: device.deviceId };
    expect((await mesh.call('POST', '/v1/agents', bind)).body.error.field).toBe('targetDeviceId');
    await mesh.call('DELETE', path);
    expect((await mesh.call('GET', path)).status).toBe(404);
  });

  it('cuts what its key was streaming', async () => {
    const { mesh, device } = await openBoundMesh();
    const { runId } = (await startRun(mesh)).data;
    const key = (await mesh.call('POST', '/v1/api-keys', { name: 'x', scopes: ['agent:read'] })).data;
    const stream = await SseReader.open(mesh, 'GET', `/v1/run/${runId}/events`, { apiKey: key.apiKey });
    const kept = await SseReader.open(mesh, 'GET', `/v1/run/${runId}/events`);
    await mesh.call('POST', `/v1/api-keys/${key.id}/revoke`);
    await stream.ended;
    const { client } = await DeviceClient.connect(device);
    await acceptDispatch(client);
    sendEvents(client, runId, [completed(1)]);
    await kept.ended;
    expect([stream.frames.length, kept.frames.length]).toEqual([0, 1]);
  });
});
