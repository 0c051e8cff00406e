import { chmodSync, cpSync, existsSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import type { DaemonStatus, StreamLine } from '../../src/control/contract.ts';
import { startControlServer } from '../../src/control/server.ts';
import { RunmeshError } from '../../src/kit/errors.ts';
import type { RunRequest } from '../../src/protocol/run-api.ts';
import { tempDir } from '../support/temp.ts';
import {
  callDoor,
  openDoor,
  PAGE_FILES,
  portsWith,
  RUN,
  SILENT_LOG,
  STATUS,
  surroundings,
} from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the local door', () => {
  it('answers status, the list of runs and a run over its socket', async () => {
    const { client } = await openDoor();
    expect(await client.status()).toEqual(STATUS);
    expect(await client.listRuns(5)).toEqual([expect.objectContaining({ runId: 'run_1', agent: 'fixer' })]);
    expect(await client.readRun('run_1')).toEqual(RUN);
  });

  it('tells an older or a newer program the little that every version has', async () => {
    const { deviceId, version, pid, connection } = STATUS;
    const foreign = { deviceId, version, pid, connection, somethingNew: true } as unknown as DaemonStatus;
    const { client } = await openDoor({ status: () => foreign });
    await expect(client.status()).rejects.toThrow();
    expect(await client.vitals()).toMatchObject({ version, pid, connection: { sessionId: 'ses_1' } });
  });

  it('is asked without a trace in how Node resolves packages that lie behind a link', async () => {
    const { socketPath } = await openDoor();
    const dir = tempDir();
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    const client = new URL('../../build/control/client.js', import.meta.url).href;
    writeFileSync(
      join(dir, 'ask.mjs'),
      `import.meta.resolve('hono');
      const { connectControl } = await import(${JSON.stringify(client)});
      await connectControl(${JSON.stringify(socketPath)}).vitals();
      console.log(import.meta.resolve('execa'));`,
    );
    const { stdout } = await execa(process.execPath, [join(dir, 'ask.mjs')]);
    expect(stdout).toBe(new URL('../../node_modules/execa/index.js', import.meta.url).href);
  });

  it('closes, and tries anew, where the page’s program was away when it was asked for', async () => {
    const dir = tempDir();
    for (const name of ['build', 'package.json'])
      cpSync(join(ROOT, name), join(dir, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    writeFileSync(
      join(dir, 'ask.mjs'),
      `import { renameSync } from 'node:fs';
      import { connectControl } from './build/control/client.js';
      import { startControlServer } from './build/control/server.js';
      import { systemClock } from './build/kit/clock.js';
      import { systemRandom } from './build/kit/random.js';
      const page = { clock: systemClock, random: systemRandom, files: ${JSON.stringify(PAGE_FILES)}, opener: 'page.html' };
      const log = { info() {}, warn() {}, error() {} };
      const socketPath = ${JSON.stringify(join(dir, 'daemon.sock'))};
      const open = () => startControlServer({ socketPath, ports: {}, log, page });
      const ask = () => connectControl(socketPath).askPage().then(() => 'opened', () => 'refused');
      const program = 'build/control/page/page.js';
      renameSync(program, 'away.js');
      let server = await open();
      console.log(await ask());
      await server.close();
      server = await open();
      console.log(await ask());
      renameSync('away.js', program);
      console.log(await ask());
      await server.close();
      console.log('closed');`,
    );
    const { stdout } = await execa(process.execPath, ['ask.mjs'], { cwd: dir });
    expect(stdout.split('\n')).toEqual(['refused', 'refused', 'opened', 'closed']);
  });

  it('is a socket that its owner alone can open, and is gone when it closes', async () => {
    const { socketPath, close } = await openDoor();
    expect(statSync(socketPath).isSocket()).toBe(true);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    await close();
    expect(existsSync(socketPath)).toBe(false);
  });

  it('hands orders to its ports', async () => {
    const told: string[] = [];
    const { client } = await openDoor({
      cancel: (runId) => void told.push(`cancel ${runId}`),
      steer: (runId, text) => void told.push(`steer ${runId} ${text}`),
      stop: () => void told.push('stop'),
    });
    await client.cancel('run_1');
    await client.steer('run_1', 'look at the tests');
    await client.stop();
    expect(told).toEqual(['cancel run_1', 'steer run_1 look at the tests', 'stop']);
  });

  it('hands over the owner’s pause and answers what pauses the device then', async () => {
    const told: string[] = [];
    const { client } = await openDoor({
      pause: (mode) => [told.push(`pause ${mode}`) > 0 ? 'owner' : ''],
      resume: () => ['disk_full'],
      reload: () => ({ applied: ['models'], restart: ['mesh'] }),
    });
    expect(await client.pause('now')).toEqual(['owner']);
    expect(told).toEqual(['pause now']);
    expect(await client.resume()).toEqual(['disk_full']);
    expect(await client.reload()).toEqual({ applied: ['models'], restart: ['mesh'] });
  });

  it('streams events as they come, after the sequence asked for', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { client } = await openDoor({
      runEvents: async function* (_runId, after) {
        yield { type: 'run_started', runSequence: after + 1 };
        await released;
        yield { type: 'run_completed', runSequence: after + 2 };
      },
    });
    const lines = client.runEvents('run_1', { after: 3 })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toEqual({ type: 'run_started', runSequence: 4 });
    release();
    expect((await lines.next()).value).toEqual({ type: 'run_completed', runSequence: 5 });
    expect((await lines.next()).done).toBe(true);
  });

  it('tells its port when the reader of a stream leaves', async () => {
    let left = () => {};
    const gone = new Promise<void>((resolve) => {
      left = resolve;
    });
    const { client } = await openDoor({
      runEvents: async function* (_runId, _after, signal) {
        yield { type: 'run_started' };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        left();
      },
    });
    for await (const line of client.runEvents('run_1', { after: 0 })) {
      expect(line.type).toBe('run_started');
      break;
    }
    await gone;
  });

  it('starts a run here and ends its stream with the record', async () => {
    const asked: RunRequest[] = [];
    const { client } = await openDoor({
      here: async function* (request) {
        asked.push(request);
        yield { type: 'run_started' };
        yield { type: 'record', record: { status: 'completed' } };
      },
    });
    const lines = await gather(client.here({ agent: 'fixer', prompt: 'fix it' }));
    expect(asked).toEqual([{ agent: 'fixer', prompt: 'fix it' }]);
    expect(lines.map((line) => line.type)).toEqual(['run_started', 'record']);
  });

  it('carries a refusal to the caller with its code, before and inside a stream', async () => {
    const refusal = new RunmeshError('run_ended', 'Run run_1 has ended.');
    const { client } = await openDoor({
      cancel: () => Promise.reject(refusal),
      here: async function* () {
        yield { type: 'run_started' };
        throw new RunmeshError('not_linked', 'Link this device first.');
      },
    });
    await expect(client.cancel('run_1')).rejects.toMatchObject({
      code: 'run_ended',
      message: refusal.message,
    });
    await expect(gather(client.here({ agent: 'fixer', prompt: 'x' }))).rejects.toMatchObject({
      code: 'not_linked',
    });
    await expect(client.readRun('run_2')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('tells a stream that was cut from one that ended', async () => {
    const { client, close } = await openDoor({
      runEvents: async function* (_runId, _after, signal) {
        yield { type: 'run_started' };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    const lines = client.runEvents('run_1', { after: 0 })[Symbol.asyncIterator]();
    await lines.next();
    await close();
    await expect(lines.next()).rejects.toMatchObject({ code: 'stream_cut' });
  });
});

describe('bad input at the local door', () => {
  it('refuses whatever a web page sends', async () => {
    const { socketPath } = await openDoor();
    for (const origin of ['http://evil.example', 'null']) {
      const answer = await callDoor(socketPath, { path: '/status', headers: { origin } });
      expect(answer.status).toBe(403);
    }
  });

  it.each([
    {
      why: 'a body that is no JSON',
      call: { method: 'POST', path: '/here', body: '{' },
      status: 400,
      says: 'JSON',
    },
    {
      why: 'a run without an agent',
      call: { method: 'POST', path: '/here', body: '{"prompt":"x"}' },
      status: 400,
      says: 'agent',
    },
    {
      why: 'empty words',
      call: { method: 'POST', path: '/runs/run_1/steer', body: '{"text":""}' },
      status: 400,
      says: 'text',
    },
    { why: 'a limit of nothing', call: { path: '/runs?limit=0' }, status: 400, says: 'limit' },
    { why: 'a run nobody knows', call: { path: '/runs/run_9/events' }, status: 404, says: 'run_9' },
    { why: 'a path that is not there', call: { path: '/nothing' }, status: 404, says: '/nothing' },
    {
      why: 'a body over 10 MiB',
      call: { method: 'POST', path: '/here', body: `"${'x'.repeat(10_485_760)}"` },
      status: 413,
      says: '10485760',
    },
  ])('answers $status to $why', async ({ call, status, says }) => {
    const { socketPath } = await openDoor();
    const answer = await callDoor(socketPath, call);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).error.message).toContain(says);
  });

  it('hides what went wrong inside, and logs it', async () => {
    const { socketPath } = await openDoor({
      status: () => {
        throw new Error('secret detail');
      },
    });
    const answer = await callDoor(socketPath, { path: '/status' });
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret detail');
  });
});

describe('who holds the socket', () => {
  it('says that no daemon runs, and what to do, where there is no socket', async () => {
    const client = connectControl(join(tempDir(), 'daemon.sock'));
    await expect(client.status()).rejects.toMatchObject({
      code: 'daemon_not_running',
      message: expect.stringContaining('runmesh daemon'),
    });
  });

  it('takes away a socket that a killed daemon left', async () => {
    const socketPath = await abandonedSocket();
    await expect(connectControl(socketPath).status()).rejects.toMatchObject({ code: 'daemon_not_running' });
    const { client } = await openDoor({}, socketPath);
    expect((await client.status()).pid).toBe(42);
  });

  it('leaves a daemon that answers alone', async () => {
    const { socketPath, client } = await openDoor();
    const second = startControlServer({
      socketPath,
      ports: portsWith(),
      log: SILENT_LOG,
      page: surroundings(tempDir()),
    });
    await expect(second).rejects.toMatchObject({ code: 'already_running' });
    expect((await client.status()).pid).toBe(42);
  });

  it('is not opened where others could reach it: a folder they may enter, or a link in its place', async () => {
    const [open, real, link] = [tempDir(), tempDir(), join(tempDir(), 'link')];
    chmodSync(open, 0o750);
    symlinkSync(real, link);
    for (const folder of [open, link]) {
      const socketPath = join(folder, 'daemon.sock');
      const started = startControlServer({
        socketPath,
        ports: portsWith(),
        log: SILENT_LOG,
        page: surroundings(tempDir()),
      });
      await expect(started).rejects.toMatchObject({ code: 'socket_folder_unsafe' });
      expect(existsSync(socketPath)).toBe(false);
    }
  });

  it('does not take away a file that is no socket', async () => {
    const socketPath = join(tempDir(), 'daemon.sock');
    writeFileSync(socketPath, 'precious');
    const started = startControlServer({
      socketPath,
      ports: portsWith(),
      log: SILENT_LOG,
      page: surroundings(tempDir()),
    });
    await expect(started).rejects.toMatchObject({ code: 'socket_taken' });
    expect(statSync(socketPath).size).toBe(8);
  });
});

async function gather(lines: AsyncIterable<StreamLine>): Promise<StreamLine[]> {
  const all: StreamLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** A socket file nobody listens on any more: bound under another name, and moved before its server closes. */
async function abandonedSocket(): Promise<string> {
  const dir = tempDir();
  const path = join(dir, 'daemon.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(dir, 'first.sock'), resolve));
  renameSync(join(dir, 'first.sock'), path);
  await new Promise((resolve) => server.close(resolve));
  return path;
}
