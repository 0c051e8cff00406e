import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { readCursor } from '../../src/journal/list-cursors.ts';
import { readRun } from '../../src/journal/read-run.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { HerePublisher } from '../../src/link/here-publisher.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';

/** The publisher of a run with one event, before whatever `answer` makes of its requests. */
async function publish(answer: RequestListener) {
  const http = createServer(answer);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const clock = new FakeClock();
  const journal = aJournal(undefined, clock);
  acceptRun(journal, anOrder('a'), 'here');
  appendEvents(journal, 'a', [said('begun')]);
  const forgotten: string[] = [];
  const doing: string[] = [];
  const publisher = new HerePublisher({
    journal,
    clock,
    random: { ...systemRandom, unit: () => 0.5 },
    log: pino({ level: 'silent' }),
    access: { meshUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, apiKey: 'key', fetch },
    forget: (runId) => void forgotten.push(runId),
    say: (words) => doing.push(words),
  });
  const over = new AbortController();
  const running = publisher.run(over.signal);
  onTestFinished(async () => {
    over.abort();
    http.closeAllConnections();
    http.close();
    await running;
  });
  return { journal, clock, forgotten, doing, over, running };
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const appended = (ackedRunSequence: number) => ({
  data: { threadId: 'thr_a', rolloutId: 'rol', sequence: 1, appended: 1, ackedRunSequence },
});

const page = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Sign in to the network</html>');

const cut = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"data":{"threadId":"thr_a",', () => response.destroy());
};

const refusal = (response: ServerResponse, status: number, code: string) =>
  json(response, status, { error: { code, message: 'no', requestId: 'req_1' } });

describe('the events of a run that this device started itself', () => {
  it.each([
    ['an answer that was cut', cut],
    ['a portal’s page', page(200)],
    ['a proxy that wants a login', page(407)],
    ['a proxy that forbids', page(403)],
    ['a page that is not found', page(404)],
    ['a request that took too long on its way', page(408)],
    ['JSON of something else', (response: ServerResponse) => json(response, 200, null)],
    ['a mesh that took nothing', (response: ServerResponse) => json(response, 200, appended(0))],
    [
      'a key that is not known any more',
      (response: ServerResponse) => refusal(response, 401, 'invalid_token'),
    ],
  ])('are sent again after %s, and their run is not given up', async (_what, answer) => {
    let asked = 0;
    const { journal, clock, forgotten, doing } = await publish((request, response) => {
      request.resume();
      asked += 1;
      if (asked === 1) answer(response);
      else json(response, 200, appended(1));
    });
    await expect.poll(() => doing.at(-1)).toMatch(/^trying again to publish/);
    await clock.advance(60_000);
    await expect.poll(() => readCursor(journal, 'a')?.acked).toBe(1);
    expect([asked, forgotten, readRun(journal, 'a')?.status]).toEqual([2, [], undefined]);
  });

  it.each([
    [404, 'not_found'],
    [409, 'run_ended'],
    [409, 'stale_attempt'],
    [409, 'sequence_conflict'],
    [413, 'payload_too_large'],
    [400, 'bad_request'],
  ])('have their run stopped where the mesh itself refuses them for good (%i %s)', async (status, code) => {
    const { forgotten } = await publish((request, response) => {
      request.resume();
      refusal(response, status, code);
    });
    await expect.poll(() => forgotten).toEqual(['a']);
  });

  it('go on where those of another run are refused by whoever stands before the mesh', async () => {
    const taken: string[] = [];
    const { journal, clock } = await publish((request, response) => {
      if (request.url?.includes('thr_a')) return page(413)(response);
      taken.push(request.url ?? '');
      return json(response, 200, appended(1));
    });
    acceptRun(journal, anOrder('b'), 'here');
    appendEvents(journal, 'b', [said('begun')]);
    await expect
      .poll(async () => {
        await clock.advance(60_000);
        return readCursor(journal, 'b')?.acked;
      })
      .toBe(1);
    expect(taken).toHaveLength(1);
    expect(readCursor(journal, 'a')).toMatchObject({ acked: 0, committed: 1 });
  });

  it('keep nobody from ending where the mesh does not answer', async () => {
    let asked = 0;
    const { over, running } = await publish(() => {
      asked += 1;
    });
    await expect.poll(() => asked).toBe(1);
    over.abort();
    await running;
  });
});
