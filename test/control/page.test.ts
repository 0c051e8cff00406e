import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createPage } from '../../src/control/page/page.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';
import { portsWith, RUN, SILENT_LOG, STATUS, surroundings } from './harness.ts';
import { exchange, openPageDoor, POST_SESSION } from './page-harness.ts';

/** Whether somebody listens on this port of 127.0.0.1. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(socket.destroy() !== undefined));
    socket.on('error', () => resolve(false));
  });
}

describe('the local page', () => {
  it('answers what the socket answers, to who came by its address', async () => {
    const { enter } = await openPageDoor();
    const send = await enter();
    expect(JSON.parse((await send({ path: '/api/status' })).body)).toEqual(STATUS);
    expect(JSON.parse((await send({ path: '/api/runs/run_1' })).body)).toEqual(RUN);
    expect((await send({ path: '/api/runs/run_9' })).status).toBe(404);
  });

  it('hands over orders, and says of an answer that it came by the page', async () => {
    const told: unknown[] = [];
    const { enter, door } = await openPageDoor({
      cancel: (...order) => void told.push(['cancel', ...order]),
      steer: (...order) => void told.push(['steer', ...order]),
      answerApproval: (...order) => void told.push(['answer', ...order]),
      pause: (mode) => [told.push(['pause', mode]) > 0 ? 'owner' : ''],
    });
    const send = await enter();
    const post = (path: string, body: unknown) => send({ method: 'POST', path, body: JSON.stringify(body) });
    await post('/api/runs/run_1/cancel', {});
    await post('/api/runs/run_1/steer', { text: 'the tests too' });
    await post('/api/approvals/apr_1', { decision: 'no', words: 'use the copy' });
    await post('/api/pause', { mode: 'now' });
    await door.client.answerApproval('apr_2', { decision: 'once' });
    expect(told).toEqual([
      ['cancel', 'run_1'],
      ['steer', 'run_1', 'the tests too'],
      ['answer', 'apr_1', { decision: 'no', words: 'use the copy' }, 'page'],
      ['pause', 'now'],
      ['answer', 'apr_2', { decision: 'once' }, 'cli'],
    ]);
  });

  it('does not do what is the command line’s alone', async () => {
    const { enter } = await openPageDoor({
      stop: () => Promise.reject(new Error('it was stopped')),
      here: () => {
        throw new Error('it was run');
      },
    });
    const send = await enter();
    for (const path of ['/api/stop', '/api/here', '/api/reload', '/api/page', '/stop', '/page']) {
      expect([path, (await send({ method: 'POST', path, body: '{}' })).status]).toEqual([path, 404]);
    }
  });

  it('listens only when it is asked for, and no longer when nobody has it open', async () => {
    const clock = new FakeClock();
    const { port, enter, file, door } = await openPageDoor({}, { clock });
    const send = await enter();
    await clock.advance(14 * 60_000);
    expect((await send({ path: '/api/status' })).status).toBe(200);
    await clock.advance(14 * 60_000);
    expect(await isOpen(port)).toBe(true);
    await clock.advance(2 * 60_000);
    expect(await isOpen(port)).toBe(false);
    // And when it is asked for again.
    const again = await door.client.askPage();
    expect(await isOpen(Number(new URL(again.url).port))).toBe(true);
    expect(existsSync(file)).toBe(true);
    await door.close();
    expect(await isOpen(Number(new URL(again.url).port))).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  it('takes an address for a minute, and its file away with it', async () => {
    const clock = new FakeClock();
    const { call, enter, door, file } = await openPageDoor({}, { clock });
    await enter();
    const second = await door.client.askPage();
    expect(second.expiresAt).toBe('2026-01-01T00:01:00.000Z');
    await clock.advance(61_000);
    expect(existsSync(file)).toBe(false);
    const token = new URL(second.url).hash.slice(1);
    expect((await call({ ...POST_SESSION, body: JSON.stringify({ token }) })).status).toBe(401);
  });

  it('closes when nobody takes its address', async () => {
    const clock = new FakeClock();
    const { port, file } = await openPageDoor({}, { clock });
    await clock.advance(61_000);
    expect([await isOpen(port), existsSync(file)]).toEqual([false, false]);
  });

  it('is opened from a file that its owner alone can read, and that leads to it', async () => {
    const { url, file, call, token } = await openPageDoor();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(`url=${url}"`);
    await exchange(call, token);
    expect(existsSync(file)).toBe(false);
  });

  it('says where its files are missing', async () => {
    const folder = tempDir();
    const world = { ...surroundings(folder), files: folder };
    const page = createPage({ ports: portsWith(), log: SILENT_LOG, ...world });
    await expect(page.ask()).rejects.toMatchObject({
      code: 'page_missing',
      message: expect.stringContaining(folder),
    });
  });
});
