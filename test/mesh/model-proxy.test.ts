import { describe, expect, it } from 'vitest';
import { RunmeshError } from '../../src/kit/errors.ts';
import type { ModelGateway } from '../../src/mesh/mesh.ts';
import { eventually, openMesh } from './harness.ts';

const REQUEST = { model: 'platform/test', options: { prompt: [{ role: 'user', content: [] }] } };

function gateway(stream: ModelGateway['stream']): ModelGateway {
  return {
    available: () => ({
      platform: [{ model: 'platform/test', displayName: 'Test', available: true }],
      byok: [],
    }),
    stream,
  };
}

const parts = (make: () => AsyncIterable<{ type: string }>) => gateway(async () => make());

async function lines(mesh: Awaited<ReturnType<typeof openMesh>>): Promise<unknown[]> {
  const answer = await mesh.call('POST', '/v1/model-proxy/stream', REQUEST);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
  return String(answer.body)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

describe('the model proxy', () => {
  it('hands each stream part on as a line, and all of them as one answer', async () => {
    const models = parts(async function* () {
      yield { type: 'text-delta', id: '1', delta: 'a\nb' };
      yield { type: 'file', data: new Uint8Array([1, 2, 3]) };
      yield { type: 'finish' };
    });
    const mesh = await openMesh({ models });
    const expected = [
      { type: 'text-delta', id: '1', delta: 'a\nb' },
      { type: 'file', data: 'AQID' },
      { type: 'finish' },
    ];
    expect((await mesh.call('POST', '/v1/model-proxy', REQUEST)).data.parts).toEqual(expected);
    expect(await lines(mesh)).toEqual(expected);
    expect((await mesh.call('GET', '/v1/models/available')).data.platform[0].model).toBe('platform/test');
  });

  it('tells a failure before the stream in the envelope, with what to decide by', async () => {
    const error = new RunmeshError('model_error', 'Overloaded.', {
      retryable: true,
      retryAfterMs: 1_500,
      details: { statusCode: 529 },
    });
    const mesh = await openMesh({ models: gateway(() => Promise.reject(error)) });
    for (const path of ['/v1/model-proxy', '/v1/model-proxy/stream']) {
      const answer = await mesh.call('POST', path, REQUEST);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([502, '2']);
      expect(answer.body.error).toMatchObject({
        code: 'provider_error',
        message: 'Overloaded.',
        retryable: true,
        retryAfterMs: 1_500,
        statusCode: 529,
      });
    }
  });

  it('answers 404 for a model that does not exist', async () => {
    const models = gateway(() => Promise.reject(new RunmeshError('model_not_found', 'There is no model x.')));
    const mesh = await openMesh({ models });
    const answer = await mesh.call('POST', '/v1/model-proxy/stream', REQUEST);
    expect([answer.status, answer.body.error.code]).toEqual([404, 'model_not_found']);
    expect((await mesh.call('POST', '/v1/model-proxy', { model: 'x' })).body.error.field).toBe('options');
  });

  it('tells a failure inside the stream as a last line', async () => {
    const broken = await openMesh({
      models: parts(async function* () {
        yield { type: 'text-delta' };
        throw new Error('cut');
      }),
    });
    expect((await lines(broken)).at(-1)).toEqual({
      type: 'proxy_error',
      code: 'provider_error',
      message: 'cut',
      retryable: false,
    });
    const failing = await openMesh({
      models: parts(async function* () {
        const error = Object.assign(new Error('Too many.'), { statusCode: 429, isRetryable: true });
        yield { type: 'error', error } as { type: string };
      }),
    });
    expect(await lines(failing)).toEqual([
      { type: 'proxy_error', code: 'provider_error', message: 'Too many.', retryable: true, statusCode: 429 },
    ]);
    expect((await failing.call('POST', '/v1/model-proxy', REQUEST)).status).toBe(502);
  });

  it('stops the model when its caller leaves', async () => {
    let stopped = false;
    const models = gateway(async (_request, signal) => {
      signal.addEventListener('abort', () => {
        stopped = true;
      });
      return (async function* () {
        yield { type: 'text-start' };
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      })();
    });
    const mesh = await openMesh({ models });
    const leave = new AbortController();
    const response = await fetch(`${mesh.url}/v1/model-proxy/stream`, {
      method: 'POST',
      headers: { 'X-API-Key': mesh.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify(REQUEST),
      signal: leave.signal,
    });
    expect(response.status).toBe(200);
    leave.abort();
    await eventually(() => stopped, Boolean);
  });
});
