import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { SseReader } from '../support/api.ts';
import { DeviceClient } from '../support/device-client.ts';
import {
  acceptDispatch,
  completed,
  event,
  eventually,
  openBoundMesh,
  sendEvents,
  type TestMesh,
} from './harness.ts';

async function openStream() {
  const { mesh, device } = await openBoundMesh();
  const { client } = await DeviceClient.connect(device);
  const stream = await SseReader.open(mesh, 'POST', '/v1/run', { body: { agent: 'fixer', prompt: 'hello' } });
  const run = await acceptDispatch(client);
  const say = (messageId: string, offset: number, text: string) =>
    client.send({ type: 'delta', runId: run.runId, messageId, kind: 'assistant_message', offset, text });
  return { mesh, device, client, stream, say, ...run };
}

const follow = (mesh: TestMesh, runId: string, lastId?: string) =>
  SseReader.open(mesh, 'GET', `/v1/run/${runId}/events`, {
    headers: lastId === undefined ? {} : { 'Last-Event-ID': lastId },
  });

const message = (runSequence: number, text: string) =>
  event(runSequence, 'assistant_message', { messageId: 'm1', text });

describe('a run’s SSE stream', () => {
  it('has durable events with ids, deltas without, and ends behind run_completed', async () => {
    const { client, stream, say, runId, threadId, rolloutId } = await openStream();
    sendEvents(client, runId, [event(1, 'run_started', { agent: 'fixer' })]);
    say('m1', 0, 'Hel');
    say('m1', 3, 'lo');
    sendEvents(client, runId, [message(2, 'Hello'), completed(3)]);
    expect(await stream.ended).toBe(true);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    expect(stream.headers.get('cache-control')).toBe('no-transform, no-cache');
    expect(stream.headers.get('x-accel-buffering')).toBe('no');
    expect([stream.headers.get('x-run-id'), stream.headers.get('x-thread-id')]).toEqual([runId, threadId]);
    expect(stream.frames.map(({ event: type, id }) => [type, id])).toEqual([
      ['run_started', `${runId}:1`],
      ['assistant_message_delta', undefined],
      ['assistant_message_delta', undefined],
      ['assistant_message', `${runId}:2`],
      ['run_completed', `${runId}:3`],
    ]);
    expect(stream.frames[0]?.data).toEqual({
      type: 'run_started',
      runId,
      threadId,
      rolloutId,
      sequence: 1,
      runSequence: 1,
      payload: { agent: 'fixer' },
      createdAt: '2026-01-01T00:00:00.000Z',
    });
    expect(stream.frames[2]?.data).toEqual({
      type: 'assistant_message_delta',
      runId,
      messageId: 'm1',
      offset: 3,
      text: 'lo',
    });
  });

  it('resumes after Last-Event-ID, and answers 204 when all of an ended run was told', async () => {
    const { mesh, client, stream, runId } = await openStream();
    sendEvents(client, runId, [event(1, 'run_started'), message(2, 'a'), completed(3)]);
    await stream.ended;
    const all = await follow(mesh, runId);
    expect(await all.ended).toBe(true);
    expect(all.frames.map(({ id }) => id)).toEqual([`${runId}:1`, `${runId}:2`, `${runId}:3`]);
    const rest = await follow(mesh, runId, `${runId}:2`);
    await rest.ended;
    expect(rest.frames.map(({ event: type }) => type)).toEqual(['run_completed']);
    const path = `/v1/run/${runId}/events`;
    const open = (id: string) => SseReader.open(mesh, 'GET', path, { headers: { 'Last-Event-ID': id } });
    expect((await open(`${runId}:3`)).status).toBe(204);
    expect((await open('another:1')).status).toBe(404);
    expect((await open('nonsense')).status).toBe(400);
    expect((await follow(mesh, 'none')).status).toBe(404);
  });

  it('tells a late caller the beginning of what is being said', async () => {
    const { mesh, client, stream, say, runId } = await openStream();
    sendEvents(client, runId, [event(1, 'run_started')]);
    say('m1', 0, 'The quick ');
    say('m1', 10, 'brown ');
    await stream.until(({ data }) => data.text === 'brown ');
    const late = await follow(mesh, runId);
    say('m1', 16, 'fox');
    await late.until(({ data }) => data.text === 'fox');
    expect(late.frames.map(({ data }) => data.offset)).toEqual([undefined, 0, 16]);
    expect(late.textOf('m1')).toBe('The quick brown fox');
    sendEvents(client, runId, [message(2, 'The quick brown fox')]);
    await late.until(({ event: type }) => type === 'assistant_message');
    const later = await follow(mesh, runId);
    sendEvents(client, runId, [completed(3)]);
    await later.ended;
    expect(later.frames.map(({ event: type }) => type)).toEqual([
      'run_started',
      'assistant_message',
      'run_completed',
    ]);
  });

  it('keeps a text whole over a reconnect of the device, by the offsets of the welcome', async () => {
    const { mesh, device, client, stream, say, runId } = await openStream();
    say('m1', 0, 'abc');
    await stream.until(({ data }) => data.text === 'abc');
    await client.close();
    const back = await DeviceClient.connect(device, { runs: [{ runId, attempt: 1, lastRunSequence: 0 }] });
    expect(back.welcome.runs[0]?.deltas).toEqual([{ messageId: 'm1', kind: 'assistant_message', offset: 3 }]);
    const delta = { type: 'delta', runId, messageId: 'm1', kind: 'assistant_message' } as const;
    back.client.send({ ...delta, offset: 9, text: 'beyond what the mesh has' });
    back.client.send({ ...delta, offset: 2, text: 'Cdef' });
    sendEvents(back.client, runId, [message(1, 'abCdef')]);
    back.client.send({ ...delta, offset: 0, text: 'late' });
    sendEvents(back.client, runId, [completed(2)]);
    await stream.ended;
    expect(stream.textOf('m1')).toBe('abCdef');
    expect(mesh.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  it('misses and doubles nothing for callers who come while events come', async () => {
    const { mesh, client, stream, runId } = await openStream();
    const callers: Promise<SseReader>[] = [];
    for (let sequence = 1; sequence <= 400; sequence += 1) {
      sendEvents(client, runId, [event(sequence, 'error', { code: 'x', message: 'y' })]);
      if (sequence % 40 === 0) {
        callers.push(follow(mesh, runId));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    sendEvents(client, runId, [completed(401)]);
    const expected = Array.from({ length: 401 }, (_, i) => `${runId}:${i + 1}`);
    for (const caller of [stream, ...(await Promise.all(callers))]) {
      expect(await caller.ended).toBe(true);
      expect(caller.frames.map(({ id }) => id)).toEqual(expected);
    }
  });

  it('that its caller leaves does not stop the run', async () => {
    const { mesh, client, stream, runId } = await openStream();
    stream.leave();
    await stream.ended;
    sendEvents(client, runId, [completed(1)]);
    await eventually(
      () => mesh.call('GET', `/v1/run/${runId}`),
      ({ data }) => data.status === 'completed',
    );
  });

  it('is cut for a caller who does not read, while the others and the device go on', async () => {
    const { mesh, client, stream, say, runId } = await openStream();
    let received = 0;
    let readAtLast = () => {};
    const slow = request(`${mesh.url}/v1/run/${runId}/events`, { headers: { 'X-API-Key': mesh.apiKey } });
    const cut = new Promise<void>((resolve) => {
      slow.on('response', (response) => {
        response.once('readable', () => {});
        response.on('close', resolve);
        response.on('error', () => {});
        readAtLast = () => response.on('data', (chunk: Buffer) => (received += chunk.length));
      });
    });
    const answered = once(slow, 'response');
    slow.end();
    await answered;
    const chunk = 'x'.repeat(262_144);
    const total = 96;
    for (let i = 0; i < total; i += 1) {
      say('m1', i * chunk.length, chunk);
      await stream.until(({ data }) => data.offset === i * chunk.length);
    }
    readAtLast();
    await cut;
    expect(received).toBeLessThan(total * chunk.length);
    sendEvents(client, runId, [completed(1)]);
    expect(await stream.ended).toBe(true);
    expect(stream.frames).toHaveLength(total + 1);
  });

  it('carries 20,000 small deltas whole', async () => {
    const { client, stream, say, runId } = await openStream();
    for (let i = 0; i < 20_000; i += 1) say('m1', i * 4, `${String(i).padStart(4, '0').slice(-4)}`);
    sendEvents(client, runId, [message(1, '')]);
    sendEvents(client, runId, [completed(2)]);
    await stream.ended;
    expect(stream.textOf('m1')).toHaveLength(80_000);
  });
});
