import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { startChatModel } from '../support/model-server.ts';
import { RUNMESH } from '../support/processes.ts';
import { hasSecretService, SecretService } from '../support/secret-service.ts';
import { tempDir } from '../support/temp.ts';

const SLOW = { text: 'word '.repeat(400), wordMs: 50 };

async function say(house: House, ...args: string[]): Promise<Record<string, unknown>> {
  const command = house.command(...args, '--json');
  await command.exited;
  return command.lines.at(-1) ?? {};
}

/** The codes of all that `doctor` found. */
async function doctor(house: House): Promise<unknown[]> {
  const command = house.command('doctor', '--json');
  await command.exited;
  return command.lines.map(({ code }) => code);
}

/** A linked device whose `systemd-inhibit` keeps a list of who held sleep off, and `holders`: which of them still do. */
async function houseThatStaysAwake(baseUrl: string) {
  const programs = tempDir();
  const list = join(programs, 'held');
  writeFileSync(
    join(programs, 'systemd-inhibit'),
    `#!/bin/bash\n[[ "$1 $2" == "--what=idle --who=RunMesh" && "$3" == --why=* ]] || exit 64\nshift 3\necho $$ >> ${list}\nexec "$@"\n`,
    { mode: 0o755 },
  );
  const house = new House({ PATH: `${programs}:${process.env.PATH}` });
  await house.startMesh();
  await house.link();
  await house.configure('models.providers.test', JSON.stringify({ type: 'openai-compatible', baseUrl }));
  await house.configure('power.keepAwake', 'always');
  await house.agent({ model: 'test/model' });
  const pids = () => (existsSync(list) ? readFileSync(list, 'utf8').trim().split('\n') : []);
  return { house, holders: () => pids().map((pid) => existsSync(`/proc/${pid}`)) };
}

/** `runmesh keys set`, with the key on its standard input. */
async function keep(house: House, provider: string, key: string): Promise<Record<string, unknown>> {
  const { stdout } = await execa(process.execPath, [RUNMESH, 'keys', 'set', provider, '--json'], {
    env: house.environment,
    extendEnv: false,
    input: key,
  });
  return JSON.parse(stdout.split('\n').at(-1) ?? '');
}

describe('the owner’s pause', () => {
  it('lets runs under way end, starts no other, outlives a restart, and is lifted by resume', async () => {
    const model = await startChatModel((_request, count) =>
      count === 1 ? { text: 'One two three four.', wordMs: 300 } : { text: 'Second.' },
    );
    const house = await House.withModel(model.baseUrl);
    const first = await house.run({ prompt: 'first' });
    await first.frame((frame) => frame.type === 'assistant_message_delta');
    expect(await say(house, 'pause')).toEqual({ type: 'paused', mode: 'finish', paused: ['owner'] });
    const second = await house.run({ prompt: 'second' });
    await first.ended;
    expect(first.payloads('run_completed')).toMatchObject([{ status: 'completed' }]);

    house.daemon?.signal('SIGTERM');
    expect(await house.daemon?.exited).toMatchObject({ code: 0 });
    await house.startDaemon();
    expect(await say(house, 'status')).toMatchObject({ paused: ['owner'], running: [] });
    expect(model.requests()).toBe(1);
    expect(await say(house, 'resume')).toEqual({ type: 'resumed', paused: [] });
    expect(await house.ended(second.runId, 40_000)).toMatchObject({ status: 'completed', result: 'Second.' });
    expect(model.requests()).toBe(2);
  }, 60_000);

  it('with --now puts a run down at its last step, and resume goes on from there', async () => {
    const model = await startChatModel((_request, count) => (count === 1 ? SLOW : { text: 'Again.' }));
    const house = await House.withModel(model.baseUrl);
    const run = await house.run({ prompt: 'go' });
    await run.frame((frame) => frame.type === 'assistant_message_delta');
    expect(await say(house, 'pause', '--now')).toMatchObject({ paused: ['owner'] });
    await expect.poll(async () => (await say(house, 'status')).running, { timeout: 15_000 }).toEqual([]);
    expect(await say(house, 'status')).toMatchObject({ queued: 1 });
    await say(house, 'resume');
    expect(await house.ended(run.runId)).toMatchObject({ status: 'completed', result: 'Again.' });
  });
});

describe('the config of a running daemon', () => {
  it('is in effect at once where it can be, and says what waits for the next start', async () => {
    const model = await startChatModel(() => ({ text: 'Fine.' }));
    const house = await House.withModel(model.baseUrl);
    await house.agent({ model: 'other/model' });
    const unknown = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(unknown).toMatchObject({ error: { code: 'model_not_found' } });
    const provider = JSON.stringify({ type: 'openai-compatible', baseUrl: model.baseUrl });
    expect(await say(house, 'config', 'set', 'models.providers.other', provider)).toEqual({
      type: 'daemon_reloaded',
      applied: ['models'],
      restart: [],
      reinstall: [],
    });
    const known = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(known).toMatchObject({ status: 'completed', result: 'Fine.' });
    const second = tempDir();
    await say(house, 'config', 'set', 'workspaces.second', second);
    const named = async () => {
      const [node] = (await house.get('/v1/runmesh/nodes')) as unknown as { capabilities: object }[];
      return node?.capabilities;
    };
    await expect.poll(named).toMatchObject({ workspaces: ['default', 'second'] });
    expect(await say(house, 'config', 'set', 'deviceLabel', 'Study')).toMatchObject({
      applied: ['deviceLabel'],
    });
    expect(await say(house, 'status')).toMatchObject({ label: 'Study' });
    expect(await say(house, 'config', 'set', 'logs.kept', '3')).toMatchObject({
      applied: [],
      restart: ['logs'],
    });
    expect(await say(house, 'config', 'unset', 'deviceLabel')).toMatchObject({ applied: ['deviceLabel'] });
  });
});

describe('the machine', () => {
  it.skipIf(process.platform !== 'linux')(
    'is kept awake while a run is at work, and let go when it ended (Linux; a recording systemd-inhibit)',
    async () => {
      const model = await startChatModel((_request, count) =>
        count === 1
          ? { text: 'One two three four five six.', wordMs: 300 }
          : count === 2
            ? { calls: [{ name: 'write_file', args: { path: 'a.txt', content: 'a' } }] }
            : { text: 'One two three four five six.', wordMs: 1_000 },
      );
      const { house, holders } = await houseThatStaysAwake(model.baseUrl);
      await house.startDaemon();
      const run = await house.run({ prompt: 'go' });
      await run.frame((frame) => frame.type === 'assistant_message_delta');
      expect(await say(house, 'status')).toMatchObject({
        power: { keepingAwake: true, keepAwake: 'always' },
      });
      expect(holders()).toEqual([true]);
      await run.ended;
      await expect.poll(holders, { timeout: 5_000 }).toEqual([false]);
      expect(await say(house, 'status')).toMatchObject({ power: { keepingAwake: false } });
      // A run that only waits for a person is no reason to stay awake, and one that goes on is.
      await house.configure('approvals.policy', 'untrusted');
      const asking = await house.run({ prompt: 'go' });
      const asked = await asking.frame((frame) => frame.type === 'approval_requested');
      // It was held until the model had answered. Nothing asks for its state here: a status would look by itself.
      await expect.poll(holders, { timeout: 5_000 }).toEqual([false, false]);
      const { approvalId } = asked.payload as { approvalId: string };
      await house.command('approvals', 'allow', approvalId).exited;
      await expect.poll(holders, { timeout: 5_000 }).toEqual([false, false, true]);
      await asking.ended;
      await expect.poll(holders, { timeout: 5_000 }).toEqual([false, false, false]);
    },
    60_000,
  );

  it.skipIf(process.platform !== 'linux')(
    'is kept awake over a run that no daemon executes, too (Linux; a recording systemd-inhibit)',
    async () => {
      const model = await startChatModel(() => ({ text: 'One two three four five six.', wordMs: 300 }));
      const { house, holders } = await houseThatStaysAwake(model.baseUrl);
      const run = house.command('run', '--here', 'worker', 'go', '--json');
      await expect.poll(holders, { timeout: 15_000 }).toEqual([true]);
      expect(await run.exited).toMatchObject({ code: 0 });
      await expect.poll(holders, { timeout: 5_000 }).toEqual([false]);
    },
    60_000,
  );
});

describe('a key its owner stored', () => {
  it('is used at once where the environment has none, and never told', async () => {
    const seen: unknown[] = [];
    const model = await startChatModel((_request, _count, { authorization }) => {
      seen.push(authorization);
      return { text: `You sent ${authorization}.` };
    });
    const house = await House.withModel(model.baseUrl);
    const key = 'sk-stored-0123456789abcdefghijklmnop';
    expect(await keep(house, 'test', key)).toMatchObject({ type: 'daemon_reloaded', applied: ['keys'] });
    const record = await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(seen).toEqual([`Bearer ${key}`]);
    expect(record.status).toBe('completed');
    expect(JSON.stringify(record)).not.toContain(key);
    const endpoint = { type: 'openai-compatible', baseUrl: model.baseUrl, apiKeyEnv: 'HOME' };
    await house.configure('models.providers.test', JSON.stringify(endpoint));
    await house.post('/v1/run', { agent: 'worker', prompt: 'go', stream: false });
    expect(seen.at(-1)).toBe(`Bearer ${house.dir}`);
  });
});

describe('a device whose secrets cannot be read', () => {
  it.skipIf(!hasSecretService)(
    'is up and says why, serves what needs no secret, and goes on when they can be (skipped without dbus and gnome-keyring)',
    async () => {
      const service = await SecretService.start();
      const house = new House({ RUNMESH_SECRETS: '', ...service.env });
      await house.startMesh();
      await house.link();
      await service.lock();
      const shell = await doctor(house);
      expect(shell).toEqual(expect.arrayContaining(['keychain_locked', 'mesh', 'websocket']));
      expect(shell).not.toContain('not_linked');
      house.daemon = house.command('daemon', '--json');
      expect(await house.daemon.line('daemon_locked')).toMatchObject({
        message: expect.stringContaining('locked'),
      });
      const status = await say(house, 'status');
      expect(status).toMatchObject({
        paused: ['secrets_locked'],
        secretStore: 'secret-service',
        connection: { doing: expect.stringContaining('Unlock it'), sessionId: null },
      });
      const inside = await doctor(house);
      expect(inside).toEqual(expect.arrayContaining(['keychain_refuses', 'mesh', 'websocket']));
      expect(inside).not.toContain('not_linked');
      expect(await say(house, 'run', '--here', 'worker', 'go')).toMatchObject({ code: 'secrets_locked' });
      await service.unlock();
      expect(await say(house, 'resume')).toMatchObject({ type: 'resumed' });
      await house.daemon.line('daemon_ready');
      expect(await say(house, 'status')).toMatchObject({ paused: [] });
    },
    60_000,
  );

  it.skipIf(!hasSecretService).each([['asked in between'], ['left alone']])(
    'goes on by itself when the process that keeps them was started anew, %s (skipped without dbus and gnome-keyring)',
    async (how) => {
      const service = await SecretService.start();
      const house = new House({ RUNMESH_SECRETS: '', ...service.env });
      await house.startMesh();
      await house.link();
      await service.lock();
      house.daemon = house.command('daemon', '--json');
      await house.daemon.line('daemon_locked');
      await service.goAway();
      if (how === 'asked in between') await say(house, 'resume');
      await service.comeBack();
      await house.daemon.line('daemon_ready', 60_000);
      expect(await say(house, 'status')).toMatchObject({ paused: [] });
      if (how === 'asked in between') return;

      // What it holds by then it keeps, whatever becomes of the store.
      expect(await keep(house, 'openai', 'sk-stored-0123456789abcdefghij')).toMatchObject({
        applied: ['keys'],
      });
      await service.goAway();
      expect(await say(house, 'config', 'set', 'logLevel', 'debug')).toMatchObject({ applied: ['logLevel'] });
      await service.comeBack();
      await house.command('doctor', '--json').line((line) => line.code === 'keychain');
      expect(await keep(house, 'openai', 'sk-another-0123456789abcdefghij')).toMatchObject({
        applied: ['keys'],
      });
    },
    120_000,
  );
});

describe('a mesh that is not the one this device was linked to', () => {
  it('gets nothing done here, even if it answers at the same address', async () => {
    const house = await House.open();
    house.daemon?.signal('SIGTERM');
    await house.daemon?.exited;
    await house.configure('mesh.meshEpoch', '00000000-0000-4000-8000-000000000000');
    const daemon = house.command('daemon', '--json');
    expect(await daemon.exited).toMatchObject({ code: 1 });
    expect(daemon.lines.at(-1)).toMatchObject({
      type: 'error',
      message: expect.stringContaining('another mesh answers'),
    });
  });
});
