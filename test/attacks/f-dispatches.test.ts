import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DispatchOrder } from '../../src/protocol/frames.ts';
import { House } from '../support/house.ts';
import { startLyingMesh } from '../support/lying-mesh.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';

/** A device whose mesh was taken over: same address, same epoch, and it dispatches what it likes. */
async function takenOver() {
  const model = await startChatModel((request) =>
    resultsIn(request) === 0
      ? { calls: [{ name: 'write_file', args: { path: 'pwned', content: 'x' } }] }
      : { text: 'done' },
  );
  const house = await House.withModel(model.baseUrl);
  const config = JSON.parse(readFileSync(join(house.dir, 'device', 'config.json'), 'utf8')) as {
    mesh: { meshEpoch: string };
  };
  await house.mesh?.kill();
  const mesh = await startLyingMesh({ meshEpoch: config.mesh.meshEpoch }, { port: house.meshPort });
  const side = await mesh.connection(1);
  await expect.poll(() => side.frames.some(({ type }) => type === 'hello'), { timeout: 20_000 }).toBe(true);
  const order = (runId: string, over: Partial<DispatchOrder> = {}): DispatchOrder => ({
    runId,
    threadId: 'thr_1',
    rolloutId: 'rol_1',
    attempt: 1,
    agent: {
      id: 'agt_1',
      slug: 'worker',
      version: 1,
      model: 'test/model',
      executionMode: 'local-mac',
      targetDeviceId: house.deviceId,
    },
    input: [{ role: 'user', content: 'go' }],
    history: [],
    config: {},
    metadata: {},
    deadlineAt: '2099-01-01T00:00:00.000Z',
    ...over,
  });
  const completed = (runId: string) =>
    side.frames
      .flatMap((frame) => (frame.type === 'events' && frame.runId === runId ? frame.events : []))
      .filter(({ type }) => type === 'run_completed')
      .map(({ payload }) => payload as Record<string, unknown>);
  const ended = async (runId: string) => {
    await expect.poll(() => completed(runId), { timeout: 20_000 }).toHaveLength(1);
    return completed(runId)[0] ?? {};
  };
  const pwned = () => existsSync(join(house.workspace, 'pwned'));
  return { house, model, side, order, ended, pwned };
}

describe('a mesh that was taken over', () => {
  it.each(['2020-01-01T00:00:00.000Z', '-100000-01-01T00:00:00.000Z'])(
    '74 has a run whose deadline is %s do nothing at all',
    async (deadlineAt) => {
      const { model, side, order, ended, pwned } = await takenOver();
      side.send({ type: 'dispatch', ...order('run_late', { deadlineAt }) });
      expect(await ended('run_late')).toMatchObject({
        status: 'failed',
        error: { code: 'deadline_exceeded' },
      });
      expect(model.requests()).toBe(0);
      expect(pwned()).toBe(false);
    },
    60_000,
  );

  it('74 is told of a run whose deadline is no time that it is not taken, whatever it was sent for', async () => {
    const { model, side, order, pwned } = await takenOver();
    side.send({ type: 'dispatch', ...order('run_never', { deadlineAt: 'whenever' }) });
    await expect
      .poll(() => side.frames.find(({ type }) => type === 'rejected' || type === 'accepted'))
      .toMatchObject({ type: 'rejected', runId: 'run_never', code: 'invalid' });
    expect(model.requests()).toBe(0);
    expect(pwned()).toBe(false);
  }, 60_000);

  it('own: names no run by what no disk keeps, and is told so', async () => {
    const { model, side, order, pwned } = await takenOver();
    const ids = ['', '\u0000', 'run_1\u0000x', '\ud800', 'a b', 'x\n', 'x'.repeat(5_000), '🙂'];
    const asRun = ids.filter((id) => id !== '' && id.length <= 100);
    for (const id of asRun) side.send({ type: 'dispatch', ...order(id) });
    for (const threadId of ids) side.send({ type: 'dispatch', ...order('run_1', { threadId }) });
    await expect
      .poll(() => side.frames.filter(({ type }) => type === 'rejected' || type === 'accepted').length)
      .toBe(ids.length + asRun.length);
    expect(side.frames.filter(({ type }) => type === 'accepted')).toEqual([]);
    expect(model.requests()).toBe(0);
    expect(pwned()).toBe(false);
  }, 60_000);

  it('65 names no address for a model, and lends its key to none', async () => {
    let visits = 0;
    const evil = createServer((_request, response) => {
      visits += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void evil.close());
    const there = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/v1`;
    const { house, side, order, ended } = await takenOver();
    const { agent } = order('x');
    const ways: Partial<DispatchOrder>[] = [
      { agent: { ...agent, model: there } },
      { agent: { ...agent, model: `test@${there}/model` } },
      { agent: { ...agent, model: `openai-compatible/${there}` } },
      {
        agent: {
          ...agent,
          ...({ baseUrl: there, provider: { type: 'openai-compatible', baseUrl: there } } as object),
        },
      },
      { agent: { ...agent, env: { OPENAI_BASE_URL: there, TEST_BASE_URL: there, HTTPS_PROXY: there } } },
      {
        metadata: {
          models: { providers: { test: { type: 'openai-compatible', baseUrl: there } } },
          baseUrl: there,
        },
      },
      {
        config: {
          ...({ baseUrl: there, models: { providers: {} }, headers: { authorization: 'x' } } as object),
        },
      },
    ];
    for (const [n, way] of ways.entries()) {
      side.send({ type: 'dispatch', ...order(`run_${n}`, { threadId: `thr_${n}`, ...way }) });
      await ended(`run_${n}`);
    }
    expect(visits).toBe(0);
    const config = readFileSync(join(house.dir, 'device', 'config.json'), 'utf8');
    expect(config).not.toContain(there);
  }, 90_000);

  it('90 widens nothing by what it dispatches: no mode, no network, no folder, no approval', async () => {
    const { side, order, ended, house, pwned } = await takenOver();
    const wide = { mode: 'danger-full-access', network: 'on', writable: ['/'], readable: ['/'] };
    const ways: Partial<DispatchOrder>[] = [
      { metadata: { sandbox: wide } },
      { metadata: { sandbox: { mode: 'root' } } },
      { metadata: { workspace: '/' } },
      { metadata: { workspace: '../..' } },
      { metadata: { workspace: '__proto__' } },
    ];
    for (const [n, way] of ways.entries()) {
      side.send({ type: 'dispatch', ...order(`run_${n}`, { threadId: `thr_${n}`, ...way }) });
      await expect
        .poll(() => side.frames.find((frame) => frame.type === 'rejected' && frame.runId === `run_${n}`))
        .toMatchObject({ code: 'invalid' });
    }
    expect(pwned()).toBe(false);
    await house.configure('sandbox.mode', 'read-only');
    side.send({
      type: 'dispatch',
      ...order('run_wide', { metadata: { sandbox: { mode: 'workspace-write' } } }),
    });
    expect(await ended('run_wide')).toMatchObject({ status: 'completed' });
    expect(pwned()).toBe(false);
  }, 90_000);
});
