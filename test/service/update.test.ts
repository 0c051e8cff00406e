import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { changesJournal, neverRegisters, packedVersions } from './packed.ts';
import { openServer } from './server.ts';

vi.setConfig({ testTimeout: 240_000 });

const packVersion = packedVersions();

const OWN = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  .version as string;

describe('runmesh update', () => {
  it('switches the service to a newer version, and the command on the PATH hands over to it', async () => {
    const server = await openServer();
    expect((await server.run('service', 'install')).code).toBe(0);
    const { code, last } = await server.run('update', '--from', await packVersion('98.0.0'));
    expect({ code, last }).toMatchObject({
      code: 0,
      last: { type: 'updated', from: OWN, to: '98.0.0', changed: true, service: true },
    });
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
    expect(readlinkSync(join(server.home, 'current'))).toBe('versions/98.0.0');
    expect(server.managers.exits).toEqual(['0']);
    expect((await server.run('--version')).last).toEqual({ type: 'text', text: '98.0.0' });
    expect((await server.run('service', 'status')).last).toMatchObject({
      command: expect.arrayContaining([
        join(server.home, 'current', 'node_modules', 'runmesh-agent', 'dist', 'cli', 'main.js'),
      ]),
    });

    // Back to an older one, which then also goes before the newer program on the PATH.
    const old = await packVersion('0.0.1');
    expect((await server.run('update', '--from', old)).last).toMatchObject({
      code: 'downgrade_refused',
      message: expect.stringContaining('--allow-downgrade'),
    });
    expect(await server.status()).toMatchObject({ version: '98.0.0' });
    expect(await server.run('update', '--from', old, '--allow-downgrade')).toMatchObject({
      code: 0,
      last: { from: '98.0.0', to: '0.0.1' },
    });
    expect(await server.status()).toMatchObject({ version: '0.0.1' });
    expect((await server.run('--version')).last).toMatchObject({ text: '0.0.1' });
  });

  it('undoes a change of the journal’s layout, where the version that made it fails and commits nothing', async () => {
    const server = await openServer();
    // An older version lies there, as where a newer program came by other means: that one is what runs and is gone back to.
    await server.run('update', '--from', await packVersion('0.0.1'), '--allow-downgrade');
    rmSync(join(server.home, 'versions', 'pinned'));
    await server.run('service', 'install');
    expect(await server.status()).toMatchObject({ version: OWN });
    const broken = await packVersion('98.0.0', (folder) => {
      neverRegisters(folder);
      changesJournal(folder);
    });
    const { last } = await server.run('update', '--from', broken, '--wait', '5');
    expect(last).toMatchObject({ code: 'update_rolled_back', message: expect.stringContaining('undone') });
    expect(await server.status()).toMatchObject({
      version: OWN,
      connection: { sessionId: expect.any(String) },
    });
  });

  it('goes back by itself where the new version never registers, and a run under way ends once', async () => {
    const server = await openServer();
    const { house } = server;
    const gate = join(house.dir, 'gate');
    const model = await startChatModel((request) =>
      resultsIn(request) === 0
        ? {
            calls: [
              {
                name: 'exec_command',
                args: {
                  cmd: `echo ran >> witness; while [ ! -e ${gate} ]; do sleep 0.1; done`,
                  yield_time_ms: 15_000,
                },
              },
            ],
          }
        : { text: 'Over.' },
    );
    await house.configure(
      'models.providers.test',
      JSON.stringify({ type: 'openai-compatible', baseUrl: model.baseUrl }),
    );
    await server.run('service', 'install');
    await house.agent({ model: 'test/model' });
    const run = await house.run({ prompt: 'wait' });
    await run.frame((frame) => frame.type === 'tool_call');
    await expect.poll(() => existsSync(join(house.workspace, 'witness')), POLL).toBe(true);

    const broken = await packVersion('98.0.0', neverRegisters);
    const updating = server.run('update', '--from', broken, '--wait', '5');
    await expect.poll(() => existsSync(join(server.home, 'current')), POLL).toBe(true);
    writeFileSync(gate, '');
    const { code, last } = await updating;
    expect({ code, last }).toMatchObject({
      code: 1,
      last: {
        code: 'update_rolled_back',
        message: expect.stringContaining('has not registered with the mesh'),
      },
    });
    expect(await server.status()).toMatchObject({
      version: OWN,
      connection: { sessionId: expect.any(String) },
    });
    expect(existsSync(join(server.home, 'current'))).toBe(false);

    const record = await house.ended(run.runId, 60_000);
    expect(record).toMatchObject({ status: 'completed', result: 'Over.' });
    expect(readFileSync(join(house.workspace, 'witness'), 'utf8')).toBe('ran\n');
    const { events } = (await house.get(`/v1/threads/${run.threadId}/events`)) as {
      events: { type: string }[];
    };
    expect(events.filter(({ type }) => type === 'run_completed')).toHaveLength(1);
  });
});

const POLL = { timeout: 30_000, interval: 100 };
