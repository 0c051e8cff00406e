import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type FollowOptions, followRun } from '../../src/cli/caller/follow-run.ts';
import type { RunFrame } from '../../src/cli/render/run-renderer.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { FakeClock } from '../support/fake-clock.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

interface Heard {
  method: string | undefined;
  url: string | undefined;
  lastId: string | undefined;
  key: string | undefined;
}

/** A server that gives its answers in their order, and keeps what it was asked. */
async function meshThatAnswers(...answers: Answer[]): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    request.resume();
    heard.push({
      method: request.method,
      url: request.url,
      lastId: request.headers['last-event-id'] as string | undefined,
      key: request.headers['idempotency-key'] as string | undefined,
    });
    const answer = answers[heard.length - 1];
    if (answer === undefined) response.writeHead(500).end();
    else answer(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

function stream(response: ServerResponse, ...frames: string[]): void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'X-Run-ID': 'run_1',
    'X-Thread-ID': 'thr_1',
  });
  response.write(frames.join(''));
}

/** The same, ended by the server. */
function streamWhole(response: ServerResponse, ...frames: string[]): void {
  stream(response, ...frames);
  response.end();
}

function durable(runSequence: number, type: string): string {
  return `event: ${type}\nid: run_1:${runSequence}\ndata: ${JSON.stringify({ type, runSequence })}\n\n`;
}

const DELTA = `event: assistant_message_delta\ndata: ${JSON.stringify({ type: 'assistant_message_delta', offset: 0 })}\n\n`;

async function follow(url: string, some: Partial<FollowOptions> = {}): Promise<RunFrame[]> {
  const frames: RunFrame[] = [];
  await followRun({
    mesh: { url, apiKey: 'rt_test_x', fetch },
    request: { agent: 'fixer', prompt: 'go' },
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
    onRun: () => {},
    onFrame: (frame) => frames.push(frame),
    ...some,
  });
  return frames;
}

function types(frames: RunFrame[]): string[] {
  return frames.map((frame) => frame.type);
}

function refuse(status: number, code: string): Answer {
  return (response) => {
    const body = { error: { code, message: `refused: ${code}`, requestId: 'req_1' } };
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
}

describe('a caller following a run', () => {
  it('hears each frame and ends with the run', async () => {
    const { url, heard } = await meshThatAnswers((response) =>
      stream(response, ': registered\n\n', durable(1, 'run_started'), DELTA, durable(2, 'run_completed')),
    );
    const runs: unknown[] = [];
    const frames = await follow(url, { onRun: (run) => runs.push(run) });
    expect(types(frames)).toEqual(['run_started', 'assistant_message_delta', 'run_completed']);
    expect(runs).toEqual([{ runId: 'run_1', threadId: 'thr_1' }]);
    expect(heard).toHaveLength(1);
  });

  it('takes up a stream that was cut after the last durable event, in the middle of a frame too', async () => {
    const { url, heard } = await meshThatAnswers(
      (response) => {
        stream(response, durable(1, 'run_started'), DELTA, 'event: tool_call\nid: run_1:2\nda');
        setTimeout(() => response.destroy(), 20);
      },
      (response) => streamWhole(response, durable(2, 'tool_call')),
      (response) => stream(response, durable(3, 'run_completed')),
    );
    const frames = await follow(url);
    expect(types(frames)).toEqual(['run_started', 'assistant_message_delta', 'tool_call', 'run_completed']);
    expect(heard.slice(1)).toMatchObject([
      { method: 'GET', url: '/v1/run/run_1/events', lastId: 'run_1:1' },
      { method: 'GET', url: '/v1/run/run_1/events', lastId: 'run_1:2' },
    ]);
  });

  it('outlasts a mesh that is busy or restarting, and ends when all was told', async () => {
    const { url } = await meshThatAnswers(
      (response) => streamWhole(response, durable(1, 'tool_call')),
      refuse(503, 'unavailable'),
      (response) => response.writeHead(502).end('<html>'),
      (response) => response.writeHead(204).end(),
    );
    expect(types(await follow(url))).toEqual(['tool_call']);
  });

  it('starts one run, however often the answer to its start was cut', async () => {
    const { url, heard } = await meshThatAnswers(
      (_response, request) => request.socket.destroy(),
      (response) => stream(response, durable(1, 'run_completed')),
    );
    expect(types(await follow(url))).toEqual(['run_completed']);
    expect(heard.map(({ method }) => method)).toEqual(['POST', 'POST']);
    expect(heard[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(heard[1]?.key).toBe(heard[0]?.key);
  });

  it('comes again when a stream stays silent longer than the mesh ever is', async () => {
    const clock = new FakeClock();
    const { url, heard } = await meshThatAnswers(
      (response) => stream(response, durable(1, 'run_started')),
      (response) => stream(response, durable(2, 'run_completed')),
    );
    const following = follow(url, { clock });
    let over = false;
    void following.finally(() => {
      over = true;
    });
    while (!over) {
      await clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(types(await following)).toEqual(['run_started', 'run_completed']);
    expect(heard).toHaveLength(2);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(45_000);
  });

  it('gives up after two minutes without a word', async () => {
    const clock = new FakeClock();
    const { url } = await meshThatAnswers((response) => streamWhole(response, durable(1, 'run_started')));
    let failure: unknown;
    const following = follow(url, { clock }).catch((error: unknown) => {
      failure = error;
    });
    while (failure === undefined) {
      await clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await following;
    expect(failure).toMatchObject({ code: 'not_a_mesh' });
    expect(clock.monotonic()).toBeGreaterThanOrEqual(120_000);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const { url } = await meshThatAnswers((response) => stream(response, durable(1, 'run_started')));
    const following = follow(url, { signal: stop.signal, onFrame: () => stop.abort() });
    await expect(following).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a start that goes wrong', () => {
  it.each([
    { why: 'a wrong key', answer: refuse(401, 'unauthorized'), code: 'unauthorized' },
    { why: 'an agent nobody knows', answer: refuse(404, 'not_found'), code: 'not_found' },
    { why: 'a mesh that is down', answer: refuse(503, 'unavailable'), code: 'unavailable' },
    {
      why: 'a server that is no mesh',
      answer: (response: ServerResponse) => void response.writeHead(404).end('<html>'),
      code: 'not_a_mesh',
    },
    {
      why: "the device's own key",
      answer: (response: ServerResponse) => {
        response
          .writeHead(200, { 'Content-Type': 'application/json', 'X-Run-ID': 'run_1' })
          .end('{"data":{}}');
      },
      code: 'not_streamed',
    },
  ])('fails at once with $why', async ({ answer, code }) => {
    const { url, heard } = await meshThatAnswers(answer);
    await expect(follow(url)).rejects.toMatchObject({ code });
    expect(heard).toHaveLength(1);
  });

  it('fails at once where nobody listens', async () => {
    const { url } = await meshThatAnswers();
    const closed = url.replace(/\d+$/, String(await freePort()));
    await expect(follow(closed)).rejects.toMatchObject({
      code: 'mesh_unreachable',
      message: expect.stringContaining('nothing listens there'),
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
