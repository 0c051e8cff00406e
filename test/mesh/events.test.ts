import { describe, expect, it } from 'vitest';
import { DeviceClient, linkDevice } from '../support/device-client.ts';
import {
  acceptDispatch,
  bindAgent,
  completed,
  event,
  eventually,
  openBoundMesh,
  sendEvents,
  startRun,
  type TestMesh,
} from './harness.ts';

async function stored(mesh: TestMesh, threadId: string): Promise<[string, number, unknown][]> {
  const { events } = (await mesh.call('GET', `/v1/threads/${threadId}/events`)).data;
  return events.map((one: { type: string; runSequence: number; payload: { n?: number } }) => [
    one.type,
    one.runSequence,
    one.payload.n,
  ]);
}

const step = (runSequence: number, n = runSequence) =>
  event(runSequence, 'error', { n, code: 'x', message: 'y' });

async function openRun() {
  const { mesh, device } = await openBoundMesh();
  const { client } = await DeviceClient.connect(device);
  const waiting = startRun(mesh);
  waiting.catch(() => {});
  const dispatch = await acceptDispatch(client);
  return { mesh, device, client, waiting, ...dispatch };
}

describe('events on the socket', () => {
  it('are stored once however often they are sent, and acknowledged cumulatively', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [step(1), step(2)]);
    sendEvents(client, runId, [step(2), step(3)]);
    sendEvents(client, runId, [step(1), step(2), step(3)]);
    await eventually(
      () => client.take('ack'),
      ({ runSequence }) => runSequence === 3,
    );
    expect(await stored(mesh, threadId)).toEqual([
      ['error', 1, 1],
      ['error', 2, 2],
      ['error', 3, 3],
    ]);
  });

  it('are acknowledged at once after 64 of them, and at the end', async () => {
    const { client, runId } = await openRun();
    const started = Date.now();
    sendEvents(
      client,
      runId,
      Array.from({ length: 64 }, (_, i) => step(i + 1)),
    );
    expect((await client.take('ack')).runSequence).toBe(64);
    sendEvents(client, runId, [completed(65)]);
    expect((await client.take('ack')).runSequence).toBe(65);
    expect(Date.now() - started).toBeLessThan(2_000);
  });

  it('with a gap are refused whole, and the ack says what the mesh has', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [step(1)]);
    await client.take('ack');
    sendEvents(client, runId, [step(3)]);
    expect((await client.take('ack')).runSequence).toBe(1);
    sendEvents(client, runId, [step(2), step(4)]);
    expect((await client.take('ack')).runSequence).toBe(1);
    expect(await stored(mesh, threadId)).toHaveLength(1);
    sendEvents(client, runId, [step(2), step(3)]);
    expect((await client.take('ack')).runSequence).toBe(3);
  });

  it('with a stored number and another body are an alarm and change nothing', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [step(1)]);
    await client.take('ack');
    sendEvents(client, runId, [step(1, 666), step(2)]);
    expect((await client.take('ack')).runSequence).toBe(1);
    expect(await stored(mesh, threadId)).toEqual([['error', 1, 1]]);
    expect(mesh.logged.some(({ alarm }) => alarm === 'sequence_conflict')).toBe(true);
  });

  it('of an older attempt are refused', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [step(1)], 2);
    await client.take('ack');
    sendEvents(client, runId, [step(2)], 1);
    expect((await client.take('ack')).runSequence).toBe(1);
    expect(await stored(mesh, threadId)).toHaveLength(1);
  });

  it('after run_completed make the device shake hands anew; the end stays', async () => {
    const { mesh, client, runId, threadId, waiting } = await openRun();
    sendEvents(client, runId, [completed(1)]);
    await waiting;
    sendEvents(client, runId, [completed(1)]);
    sendEvents(client, runId, [step(2)]);
    expect((await client.closed).code).toBe(4010);
    expect(await stored(mesh, threadId)).toHaveLength(1);
  });

  it('with an invalid run_completed close the connection with 4001', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [event(1, 'run_completed', { status: 'fine' })]);
    const { code, reason } = await client.closed;
    expect([code, reason]).toEqual([4001, expect.stringContaining('payload.status')]);
    expect(await stored(mesh, threadId)).toEqual([]);
  });

  it('of another device’s run close the connection with 4001', async () => {
    const { mesh, runId, threadId } = await openRun();
    const thief = await linkDevice(mesh, 'thief');
    const { client } = await DeviceClient.connect(thief);
    sendEvents(client, runId, [step(1)]);
    expect((await client.closed).code).toBe(4001);
    const again = await DeviceClient.connect(thief);
    again.client.send({
      type: 'delta',
      runId,
      messageId: 'm',
      kind: 'assistant_message',
      offset: 0,
      text: 'x',
    });
    expect((await again.client.closed).code).toBe(4001);
    expect(await stored(mesh, threadId)).toEqual([]);
  });

  it.each([0, -1, 1.5, 2 ** 53])('numbered %d break the protocol', async (runSequence) => {
    const { client, runId } = await openRun();
    sendEvents(client, runId, [step(runSequence)]);
    expect((await client.closed).code).toBe(4001);
  });

  it('of a type this version does not know are kept as they are', async () => {
    const { mesh, client, runId, threadId } = await openRun();
    sendEvents(client, runId, [event(1, 'from_the_future', { n: 7, text: '\u0000\ud83d' })]);
    await client.take('ack');
    const { events } = (await mesh.call('GET', `/v1/threads/${threadId}/events`)).data;
    expect(events[0]).toMatchObject({ type: 'from_the_future', payload: { n: 7, text: '\u0000\ud83d' } });
  });
});

describe('a device that starts a run itself', () => {
  async function startHere() {
    const { mesh, device } = await openBoundMesh();
    const { client } = await DeviceClient.connect(device);
    const answer = await mesh.call('POST', '/v1/run', { agent: 'fixer', prompt: 'here' }, device.apiKey);
    const { runId, threadId, rolloutId } = answer.data;
    const append = (events: unknown[], extra: object = {}, apiKey = device.apiKey) =>
      mesh.call('POST', `/v1/threads/${threadId}/events`, { runId, rolloutId, events, ...extra }, apiKey);
    return { mesh, device, client, answer, runId, threadId, append };
  }

  it('is answered `registered` with the order to execute, and is sent no dispatch', async () => {
    const { answer, client, runId } = await startHere();
    expect(answer.data).toMatchObject({ status: 'registered', deviceOnline: true });
    expect(answer.data.order).toMatchObject({ runId, attempt: 1, agent: { slug: 'fixer' }, history: [] });
    // Longer than a dispatch takes that is sent with the answer.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.holds('dispatch')).toBe(false);
  });

  it('appends its events over HTTP by the same rule, and run_completed ends the run', async () => {
    const { mesh, runId, threadId, append } = await startHere();
    const numbered = { journalEpoch: 'epoch-1', attempt: 1 };
    const first = await append([step(1), step(2)], numbered);
    expect(first.data).toEqual({
      threadId,
      rolloutId: expect.stringMatching(/^rol_/),
      sequence: 2,
      appended: 2,
      ackedRunSequence: 2,
    });
    expect((await append([step(2), step(3)], numbered)).data).toMatchObject({
      appended: 1,
      ackedRunSequence: 3,
    });
    expect((await append([step(5)], numbered)).body.error.code).toBe('sequence_conflict');
    expect((await append([step(3, 99)], numbered)).status).toBe(409);
    expect((await append([step(1)], { ...numbered, journalEpoch: 'other' })).status).toBe(409);
    const badEnd = await append([event(4, 'run_completed', {})], numbered);
    expect([badEnd.status, badEnd.body.error.field]).toEqual([400, 'payload.status']);
    expect((await append([completed(4)], numbered)).status).toBe(200);
    expect((await mesh.call('GET', `/v1/run/${runId}`)).data).toMatchObject({
      status: 'completed',
      result: 'done',
    });
    expect((await append([step(5)], numbered)).body.error.code).toBe('run_ended');
    expect((await append([step(4)], { ...numbered, attempt: 0 })).body.error.field).toBe('attempt');
  });

  it('may leave the numbers to the mesh, for all events of a call', async () => {
    const { append } = await startHere();
    const plain = { type: 'error', payload: { code: 'x', message: 'y' } };
    expect((await append([plain, plain])).data).toMatchObject({ appended: 2, ackedRunSequence: 2 });
    expect((await append([plain])).data.ackedRunSequence).toBe(3);
    expect((await append([plain, step(9)])).body.error.field).toBe('events.1.runSequence');
  });

  it('is refused for runs, threads and rollouts that are not its own', async () => {
    const { mesh, append } = await startHere();
    const other = await linkDevice(mesh, 'other');
    await bindAgent(mesh, other, 'others');
    expect((await append([step(1)], {}, other.apiKey)).status).toBe(404);
    expect((await append([step(1)], { rolloutId: 'rol_none' })).body.error.field).toBe('rolloutId');
    expect((await append([step(1)], { runId: 'none' })).status).toBe(404);
    expect((await append([])).body.error.field).toBe('events');
  });
});
