import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { describe, expect, it, onTestFinished } from 'vitest';
import { House } from '../support/house.ts';

/** A model server on loopback; its port serves every provider's protocol. */
async function modelServer(): Promise<LLMock> {
  const mock = new LLMock({ port: 0, logLevel: 'silent' });
  await mock.start();
  onTestFinished(() => mock.stop());
  return mock;
}

function keysFor(mock: LLMock): Record<string, string> {
  return {
    OPENAI_API_KEY: 'test',
    OPENAI_BASE_URL: `${mock.url}/v1`,
    ANTHROPIC_API_KEY: 'test',
    ANTHROPIC_BASE_URL: mock.url,
    GOOGLE_GENERATIVE_AI_API_KEY: 'test',
    GOOGLE_BASE_URL: `${mock.url}/v1beta`,
  };
}

/** Writes a file through a tool, then says so: the shortest story with a step, a call and an answer. */
function tellStory(mock: LLMock, usage: Record<string, number>): void {
  mock.on(
    { userMessage: 'write the word', hasToolResult: false },
    {
      content: 'I will write it.',
      toolCalls: [
        { name: 'exec_command', arguments: JSON.stringify({ cmd: 'echo mesh > word.txt; cat word.txt' }) },
      ],
      usage,
    },
  );
  mock.on({ userMessage: 'write the word', hasToolResult: true }, { content: 'The word is mesh. 🌱', usage });
}

describe('a run, from its caller over the mesh to the device and back', () => {
  const providers = [
    { model: 'anthropic/claude-sonnet-4-5', usage: { input_tokens: 100, output_tokens: 10 } },
    { model: 'openai/gpt-5', usage: { input_tokens: 100, output_tokens: 10, total_tokens: 110 } },
    {
      model: 'google/gemini-2.5-flash',
      usage: { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 },
    },
    { model: 'local/llama', usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } },
  ];

  it.each(providers)(
    'works with $model: streams, runs the tool, answers and counts',
    async ({ model, usage }) => {
      const mock = await modelServer();
      tellStory(mock, usage);
      const house = new House(keysFor(mock));
      await house.startMesh();
      await house.link();
      const compatible = JSON.stringify({ type: 'openai-compatible', baseUrl: `${mock.url}/v1` });
      expect((await house.command('config', 'set', 'models.providers.local', compatible).exited).code).toBe(
        0,
      );
      await house.startDaemon();
      await house.agent({ model });

      const stream = await house.run({ prompt: 'write the word' });
      await stream.ended;

      expect(readFileSync(join(house.workspace, 'word.txt'), 'utf8')).toBe('mesh\n');
      const durable = stream.frames.filter((frame) => 'sequence' in frame);
      expect(durable.map((frame) => frame.type)).toEqual([
        'run_started',
        'user_message',
        'assistant_message',
        'tool_call',
        'tool_result',
        'assistant_message',
        'run_completed',
      ]);
      expect(durable.map((frame) => frame.id)).toEqual(
        durable.map((_, index) => `${stream.runId}:${index + 1}`),
      );
      expect([...stream.texts().values()]).toEqual(
        stream.payloads('assistant_message').map((payload) => payload.text),
      );
      expect(stream.payloads('run_completed')[0]).toMatchObject({
        status: 'completed',
        result: 'The word is mesh. 🌱',
        iterations: 2,
        usage: {
          inputTokens: 200,
          outputTokens: 20,
          totalTokens: 220,
          promptTokens: 200,
          completionTokens: 20,
        },
      });
      const record = await house.get(`/v1/run/${stream.runId}`);
      expect(record).toMatchObject({
        status: 'completed',
        threadId: stream.threadId,
        targetDeviceId: house.deviceId,
      });
    },
  );

  it('reaches a platform model through the mesh when the device has no key', async () => {
    const mock = await modelServer();
    tellStory(mock, { input_tokens: 100, output_tokens: 10, total_tokens: 110 });
    const house = new House();
    const meshOnly = new House(keysFor(mock));
    // The mesh alone has the provider's key.
    Object.assign(house.env, meshOnly.env);
    await house.startMesh();
    await house.link();
    for (const name of Object.keys(house.env)) delete house.env[name];
    await house.startDaemon();
    const { platform } = (await house.get('/v1/models/available')) as {
      platform: { model: string; available: boolean }[];
    };
    const model = platform.find(
      (one) => one.available && !one.model.includes('script') && !one.model.includes('bench'),
    );
    expect(model).toBeDefined();
    await house.agent({ model: model?.model });
    const stream = await house.run({ prompt: 'write the word' });
    await stream.ended;
    expect(stream.payloads('run_completed')[0]).toMatchObject({
      status: 'completed',
      usage: { totalTokens: 220 },
    });
  });

  it('answers as JSON when asked, and continues a thread with its history', async () => {
    const mock = await modelServer();
    mock.on({ userMessage: 'my name is Ada' }, { content: 'Hello Ada.' });
    mock.on(
      {
        userMessage: 'what is my name',
        predicate: (request) => JSON.stringify(request).includes('Hello Ada.'),
      },
      { content: 'Ada.' },
    );
    const house = await House.open(keysFor(mock));
    await house.agent({ model: 'openai/gpt-5' });
    const first = await house.post('/v1/run', { agent: 'worker', prompt: 'my name is Ada', stream: false });
    expect(first).toMatchObject({
      status: 'completed',
      result: 'Hello Ada.',
      executionMode: 'local-mac',
      iterations: 1,
    });
    const second = await house.post('/v1/run', {
      agent: 'worker',
      prompt: 'what is my name',
      stream: false,
      threadId: first.threadId,
    });
    expect(second).toMatchObject({ result: 'Ada.', threadId: first.threadId });
    const { events } = (await house.get(`/v1/threads/${first.threadId}/events`)) as {
      events: { sequence: number }[];
    };
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
  });
});
