import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/kit/sqlite.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { Command } from '../support/processes.ts';
import { tempDir } from '../support/temp.ts';

const answers = () => startChatModel(() => ({ text: 'Fine.' }));

/** More schemas than this version knows; those it has are not run again. */
const NEWER = Array.from({ length: 99 }, () => 'SELECT 1');

describe('what a device does with what it cannot do', () => {
  it('a tool nobody knows is refused at dispatch, by name', async () => {
    const house = await House.withModel((await answers()).baseUrl, {
      tools: ['read_file', 'fly_to_the_moon'],
    });
    const record = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(record).toMatchObject({ status: 'failed', error: { code: 'rejected_unsupported' } });
    expect(JSON.stringify(record.error)).toMatch(/fly_to_the_moon.*exec_command/);
  });

  it('a workspace nobody named is refused, one that vanished fails the run, and the daemon lives on', async () => {
    const house = await House.withModel((await answers()).baseUrl);
    const unknown = await house.post('/v1/run', {
      agent: 'worker',
      prompt: 'go',
      stream: false,
      metadata: { workspace: 'nowhere' },
    });
    expect(unknown).toMatchObject({ status: 'failed', error: { code: 'rejected_invalid' } });
    rmSync(house.workspace, { recursive: true });
    const vanished = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(vanished).toMatchObject({ status: 'failed', error: { code: 'workspace_missing' } });
    expect((await house.command('status', '--json').exited).code).toBe(0);
  });

  it('a model that does not exist and one without a key fail with what to do', async () => {
    const house = await House.withModel((await answers()).baseUrl);
    const cases = [
      { model: 'nobody/x', code: 'model_not_found', says: 'anthropic' },
      { model: 'anthropic/claude-sonnet-4-5', code: 'model_key_missing', says: 'ANTHROPIC_API_KEY' },
      { model: 'no-such-platform-model', code: 'model_not_found', says: 'runmesh-demo' },
    ];
    for (const { model, code, says } of cases) {
      await house.agent({ model });
      const record = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
      expect(record).toMatchObject({ status: 'failed', error: { code } });
      expect(JSON.stringify(record.error)).toContain(says);
    }
  });

  it('a call that does not fit its schema goes back to the model, and the run goes on', async () => {
    const model = await startChatModel((request) =>
      resultsIn(request) === 0
        ? {
            calls: [
              { name: 'read_file', args: '{"path":' },
              { name: 'read_file', args: { file: 'x' } },
              { name: 'nothing', args: {} },
            ],
          }
        : {
            text: JSON.stringify(
              request.messages.filter((message) => message.role === 'tool').map((message) => message.content),
            ),
          },
    );
    const house = await House.withModel(model.baseUrl);
    const record = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(record.status).toBe('completed');
    expect(String(record.result)).toMatch(/not valid JSON.*path.*no tool named.*nothing/s);
  });

  it('a stream cut in the middle and a 429 are tried again, and no word is doubled', async () => {
    const model = await startChatModel((_request, count) => {
      if (count === 1) {
        return {
          raw: (response) => {
            response.writeHead(429, { 'retry-after': '0', 'content-type': 'application/json' });
            response.end('{"error":{"message":"slow down"}}');
          },
        };
      }
      if (count > 2) return { text: 'One two three four five.' };
      return {
        raw: (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(
            'data: {"id":"c","choices":[{"index":0,"delta":{"content":"One two "},"finish_reason":null}]}\n\n',
          );
          setTimeout(() => response.destroy(), 50);
        },
      };
    });
    const house = await House.withModel(model.baseUrl);
    const stream = await house.run({ prompt: 'count' });
    await stream.ended;
    expect(stream.payloads('run_completed')).toMatchObject([
      { status: 'completed', result: 'One two three four five.', usage: { totalTokens: 110 } },
    ]);
    const deltas = stream.frames.filter((frame) => frame.type === 'assistant_message_delta');
    expect(deltas.map((frame) => frame.text).join('')).toBe('One two three four five.');
    expect(model.requests()).toBe(3);
  });

  it('a revoked device is closed for good, and says what to do', async () => {
    const house = await House.withModel((await answers()).baseUrl);
    await house.post(`/v1/runmesh/nodes/${house.deviceId}/revoke`, {});
    expect(await house.daemon?.exited).toMatchObject({ code: 1 });
    expect(house.daemon?.lines.at(-1)).toMatchObject({
      type: 'error',
      message: expect.stringContaining('runmesh link'),
    });
    const say = async (...args: string[]) => {
      const command = house.command(...args);
      const { code } = await command.exited;
      return `${code}: ${command.lines.map(({ text }) => text).join(' ')}`;
    };
    expect(await say('status')).toMatch(/^1: .*owner revoked this device.* Next: runmesh link$/);
    expect(await say()).toMatch(/^0: .*owner revoked this device.*Next: runmesh link/);
    // Linked again it is a new device, and what was is over.
    await house.link();
    expect(await say('status')).toMatch(/^1: Linked to .* Start it with/);
  });

  it('a revoked service stays down also where it cannot note why', async () => {
    const house = new House({ RUNMESH_SERVICE: '1' });
    await house.startMesh();
    await house.link();
    // As a full disk: what is there can be neither replaced nor taken away.
    mkdirSync(join(house.dir, 'device', 'stopped.json', 'in-the-way'), { recursive: true });
    await house.startDaemon();
    await house.post(`/v1/runmesh/nodes/${house.deviceId}/revoke`, {});
    expect(await house.daemon?.exited).toMatchObject({ code: 0 });
    expect(house.daemon?.lines.at(-1)).toMatchObject({ message: expect.stringContaining('runmesh link') });
  });

  it.each([
    ['a file', 'file'],
    ['below a file', 'file/home'],
    ...(process.platform === 'linux' ? [['below /proc', '/proc/1/home']] : []),
  ])('a home that is %s is named, with what to do and without a stack', async (_where, home = '') => {
    const dir = tempDir();
    writeFileSync(join(dir, 'file'), '');
    const env = {
      PATH: process.env.PATH,
      HOME: dir,
      RUNMESH_HOME: resolve(dir, home),
      RUNMESH_SECRETS: 'file',
    };
    for (const args of [
      ['link', '--mesh', 'http://127.0.0.1:1'],
      ['daemon'],
      ['config', 'set', 'logLevel', 'info'],
    ]) {
      const command = new Command(args, env);
      expect(await command.exited).toMatchObject({ code: 1 });
      expect(command.stderr).toMatch(/^error .*RUNMESH_HOME.*\n$/);
    }
  });

  it('a journal of a newer version is left as it is, and as a service the older one stays down', async () => {
    const house = await House.open();
    await house.daemon?.kill();
    const journal = openDatabase({ path: join(house.dir, 'device', 'journal.db'), migrations: NEWER });
    journal.close();
    for (const [service, code] of [
      [undefined, 1],
      ['ai.runmesh.agent', 0],
    ] as const) {
      if (service !== undefined) house.env.RUNMESH_SERVICE = service;
      const daemon = house.command('daemon');
      expect(await daemon.exited).toMatchObject({ code });
      expect(daemon.stderr).toMatch(/journal\.db was written by a newer version.*Install that version again/);
    }
  });

  it('a socket that somebody else listens at ends the start, and leaves nothing that would keep the next one from it', async () => {
    const house = await House.withModel((await answers()).baseUrl);
    house.daemon?.signal('SIGTERM');
    await house.daemon?.exited;
    const squatter = createServer((socket) => socket.destroy());
    await new Promise<void>((done) => squatter.listen(join(house.dir, 'device', 'daemon.sock'), done));
    const refused = house.command('daemon', '--json');
    expect((await refused.exited).code).toBe(1);
    expect(await refused.line('error')).toMatchObject({ code: 'already_running' });
    await new Promise((done) => squatter.close(done));
    await house.startDaemon();
  });

  it('a second daemon on the same home is refused, naming the first', async () => {
    const house = await House.withModel((await answers()).baseUrl);
    const second = house.command('daemon', '--json');
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.lines.at(-1)).toMatchObject({
      code: 'already_running',
      message: expect.stringContaining(String(house.daemon?.child.pid)),
    });
  });
});

describe('a run that this device starts itself', () => {
  it.each([['with its daemon'], ['without one']])(
    'is executed here and published over HTTP, %s',
    async (how) => {
      const model = await startChatModel((request) =>
        resultsIn(request) === 0
          ? { text: 'Looking.', calls: [{ name: 'exec_command', args: { cmd: 'pwd' } }] }
          : { text: 'Here.' },
      );
      const house = await House.withModel(model.baseUrl);
      if (how === 'without one') {
        house.daemon?.signal('SIGTERM');
        await house.daemon?.exited;
      }
      const run = house.command('run', '--here', 'worker', 'where are you', '--json');
      expect(await run.exited).toMatchObject({ code: 0 });
      const record = run.lines.at(-1) ?? {};
      expect(record).toMatchObject({
        status: 'completed',
        result: 'Here.',
        executionMode: 'local-mac',
        iterations: 2,
        usage: { totalTokens: 220 },
      });
      await expect.poll(async () => (await house.get(`/v1/run/${record.runId}`)).status).toBe('completed');
      const { events } = (await house.get(`/v1/threads/${record.threadId}/events`)) as {
        events: { type: string }[];
      };
      expect(events.map((event) => event.type)).toEqual([
        'run_started',
        'user_message',
        'assistant_message',
        'tool_call',
        'tool_result',
        'assistant_message',
        'run_completed',
      ]);
    },
  );
});
