import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { openAudit } from '../../src/device/audit/audit.ts';
import { createAuditMirror } from '../../src/device/audit/mirror-audit.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';

const allOf = (records: { n: number }[]) => ({ data: { acked: records.at(-1)?.n } });

/** What a mesh is sent, by the numbers of the records in each request. */
async function startAuditMesh(answerTo: (records: { n: number }[]) => object = allOf) {
  const requests: number[][] = [];
  const server = createServer(async (request, response) => {
    const { records } = (await json(request)) as { records: { n: number }[] };
    requests.push(records.map(({ n }) => n));
    const answer = answerTo(records);
    response.writeHead('error' in answer ? 409 : 200).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function startMirror(url: string) {
  const audit = openAudit({ path: join(tempDir(), 'audit.db'), clock: systemClock, random: systemRandom });
  const log = createLog({ level: 'silent', destination: { write: () => {} } });
  const clock = new FakeClock();
  const mirror = createAuditMirror({
    audit,
    mesh: { url, fetch },
    apiKey: () => 'rt_test_x',
    clock,
    random: systemRandom,
    log,
  });
  return { audit, clock, mirror };
}

const conflict = { code: 'sequence_conflict', message: 'The copy does not fit.', retryable: false };
it.each<[string, object]>([
  ['acknowledges nothing', { data: { acked: 0 } }],
  ['has records that are missing here', { data: { acked: 1_000_000 } }],
  ['finds a conflict in everything', { error: conflict }],
])('a mesh that %s is asked at longer and longer intervals', async (_, answer) => {
  const mesh = await startAuditMesh(() => answer);
  const { audit, clock, mirror } = startMirror(mesh.url);
  // More than go into one request: after a full one the next would follow at once.
  for (let n = 0; n < 450; n += 1) audit.record('file_change', { n });
  const over = new AbortController();
  const running = mirror.run(over.signal);
  for (let request = 1; request <= 5; request += 1) {
    await expect
      .poll(() => [mesh.requests.length, clock.sleepers], { timeout: 10_000 })
      .toEqual([request, 1]);
    // Its window is 2ⁿ times the first, and nothing wakes within it.
    await clock.advance(LIMITS.backoffBaseMs * 2 ** (request - 1) - 1);
    expect(clock.sleepers).toBe(1);
    await clock.advance(1);
  }
  over.abort();
  await running;
  audit.close();
});

it('an audit goes to its mesh a second’s records at a time, none twice, and the last when it is closed', async () => {
  const mesh = await startAuditMesh();
  const { audit, clock, mirror } = startMirror(mesh.url);
  const over = new AbortController();
  const running = mirror.run(over.signal);
  const came = (...requests: number[][]) =>
    expect.poll(() => mesh.requests, { timeout: 10_000 }).toEqual(requests);
  await came([1]);
  // The answer may still be on its way: time passes only once somebody waits for it.
  await expect.poll(() => clock.sleepers).toBe(1);
  for (let n = 2; n <= 30; n += 1) {
    audit.record('command', { n });
    mirror.wake();
  }
  await clock.advance(1_000);
  const second = Array.from({ length: 29 }, (_, index) => index + 2);
  await came([1], second);
  over.abort();
  await running;
  audit.record('unlink', {});
  await mirror.finish(new AbortController().signal);
  await came([1], second, [31]);
  audit.close();
});

it('a mesh that does not answer keeps nobody from ending', async () => {
  let asked = 0;
  const server = createServer(() => {
    asked += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { audit, mirror } = startMirror(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  audit.record('file_change', {});
  const over = new AbortController();
  const running = mirror.run(over.signal);
  await expect.poll(() => asked).toBe(1);
  over.abort();
  await running;
  const late = new AbortController();
  const finishing = mirror.finish(late.signal);
  await expect.poll(() => asked).toBe(2);
  late.abort();
  await finishing;
  audit.close();
}, 12_000);
