import { chmodSync, existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ControlPorts } from '../../src/control/ports.ts';
import { createLog } from '../../src/kit/log.ts';
import { openDoor, STATUS } from '../control/harness.ts';
import { exchange, JSON_TYPE, openPageDoor, POST_SESSION } from '../control/page-harness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { attack, type Scene } from './harness.ts';

/** A device that counts whatever is asked of it or said to it. */
function counting() {
  const touched: string[] = [];
  const count = (name: string) => () => {
    touched.push(name);
  };
  const ports: Partial<ControlPorts> = {
    status: () => {
      touched.push('status');
      return STATUS;
    },
    cancel: count('cancel'),
    steer: count('steer'),
    answerApproval: count('answer'),
    pause: () => [`${touched.push('pause')}`],
    stop: count('stop'),
  };
  return { touched, ports };
}

const ORDERS: readonly (readonly [path: string, body: unknown])[] = [
  ['/api/approvals/apr_1', { decision: 'once' }],
  ['/api/approvals/apr_1', { decision: 'always', approved: true }],
  ['/api/runs/run_1/cancel', {}],
  ['/api/runs/run_1/steer', { text: 'rm -rf' }],
  ['/api/pause', { mode: 'now' }],
  ['/api/resume', {}],
];

/** The first line with which a raw request is answered. */
function raw(port: number, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

describe('who is not the owner’s browser tab', () => {
  it('92 reaches nothing by a name of its own that resolves to this machine', async () => {
    const { ports, touched } = counting();
    const { enter, port } = await openPageDoor(ports);
    const send = await enter();
    for (const host of [
      'evil.com',
      `evil.com:${port}`,
      `localhost:${port}`,
      `127.0.0.1.:${port}`,
      `localhost.evil:${port}`,
      `127.0.0.1.nip.io:${port}`,
      `evil.com@127.0.0.1:${port}`,
      `[::1]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
    ]) {
      for (const path of ['/', '/page.js', '/api/status']) {
        const { status, body } = await send({ path, headers: { host } });
        expect([host, path, [400, 403].includes(status), body.includes('<script')]).toEqual([
          host,
          path,
          true,
          false,
        ]);
      }
    }
    expect(touched).toEqual([]);
    expect((await send({ path: '/api/status' })).status).toBe(200);
  });

  it('92 is not answered where no host is named, or two, or another in the first line', async () => {
    const { port } = await openPageDoor();
    const host = `Host: 127.0.0.1:${port}`;
    expect(await raw(port, 'GET / HTTP/1.1')).toContain('400');
    expect(await raw(port, 'GET / HTTP/1.0')).toMatch(/40[03]/);
    expect(await raw(port, `GET / HTTP/1.1\r\n${host}\r\nHost: evil.com`)).toMatch(/40[03]/);
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: evil.com\r\n${host}`)).toMatch(/40[03]/);
    expect(await raw(port, `GET http://evil.com/ HTTP/1.1\r\n${host}`)).toMatch(/40[03]/);
    expect(await raw(port, `GET / HTTP/1.1\r\n${host}`)).toContain('200');
  });

  it('92 is told by its origin, `null` too, by its fetch metadata and its content type', async () => {
    const { ports, touched } = counting();
    const { enter, origin, port } = await openPageDoor(ports);
    const send = await enter();
    const others = [
      'https://evil.com',
      'null',
      'file://',
      `http://localhost:${port}`,
      `http://127.0.0.1:${port + 1}`,
      `https://127.0.0.1:${port}`,
    ];
    const headers = [
      ...others.map((one) => ({ origin: one })),
      ...['cross-site', 'same-site', 'none'].map((site) => ({ origin, 'sec-fetch-site': site })),
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'].map(
        (type) => ({ origin, 'content-type': type }),
      ),
    ];
    for (const one of headers) {
      for (const [path, body] of ORDERS) {
        const { status } = await send({ method: 'POST', path, body: JSON.stringify(body), headers: one });
        expect([one, path, [400, 403].includes(status)]).toEqual([one, path, true]);
      }
    }
    expect(touched).toEqual([]);
    const own = { origin, 'sec-fetch-site': 'same-origin' };
    expect((await send({ method: 'POST', path: '/api/pause', body: '{}', headers: own })).status).toBe(200);
  });

  it('92 is given no leave by a preflight', async () => {
    const { call } = await openPageDoor();
    for (const path of ['/api/approvals/apr_1', '/session', '/']) {
      const { status, headers } = await call({
        method: 'OPTIONS',
        path,
        headers: {
          origin: 'https://evil.com',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
          'access-control-request-private-network': 'true',
        },
      });
      expect(status).toBeGreaterThanOrEqual(400);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it('41 says and learns nothing without a session, or with what is none', async () => {
    const { ports, touched } = counting();
    const { call, token } = await openPageDoor(ports);
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer ',
      `Bearer ${token}`,
      `Bearer ${'A'.repeat(43)}`,
      `Basic ${btoa(`:${token}`)}`,
    ]) {
      const headers = {
        ...JSON_TYPE,
        ...(authorization !== undefined && { authorization }),
        cookie: `session=${token}`,
      };
      for (const [path, body] of ORDERS) {
        const answer = await call({ method: 'POST', path, headers, body: JSON.stringify(body) });
        expect([authorization, path, answer.status]).toEqual([authorization, path, 401]);
      }
      for (const path of [
        '/api/status',
        '/api/runs',
        '/api/runs/run_1/events',
        '/api/history',
        '/api/logs',
        '/api/usage',
        '/api/approvals',
        `/api/status?session=${token}`,
      ]) {
        expect([path, (await call({ path, headers })).status]).toEqual([path, 401]);
      }
    }
    expect(touched).toEqual([]);
  });

  it('93 opens nothing with a token that was used, and guesses none', async () => {
    const clock = new FakeClock();
    const logged: string[] = [];
    const log = createLog({
      level: 'trace',
      destination: { write: (line: string) => void logged.push(line) },
    });
    const { call, token, door } = await openPageDoor({}, { clock, log });
    const session = await exchange(call, token);
    const tryToken = async (one: unknown) =>
      (await call({ ...POST_SESSION, body: JSON.stringify({ token: one }) })).status;
    expect(await tryToken(token)).toBe(401);
    expect(await tryToken(session)).toBe(401);
    for (const malformed of [undefined, null, 7, '', [token], { token }, 'x'.repeat(10_000)]) {
      expect([400, 401]).toContain(await tryToken(malformed));
    }
    const next = new URL((await door.client.askPage()).url).hash.slice(1);
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) statuses.push(await tryToken(`${next.slice(0, -1)}${n % 10}x`));
    expect(statuses.at(-1)).toBe(429);
    // Shut for a minute, to the right one too; who is in stays in.
    expect(await tryToken(next)).toBe(429);
    expect(
      (await call({ path: '/api/status', headers: { authorization: `Bearer ${session}` } })).status,
    ).toBe(200);
    await clock.advance(61_000);
    expect(await tryToken(next)).toBe(401);
    expect(logged.filter((line) => line.includes('a wrong or used address')).length).toBeGreaterThan(5);
    expect(logged.join('')).not.toContain(token);
    expect(logged.join('')).not.toContain(session);
  });

  it('94 frames nothing, and is told so with every answer', async () => {
    const { call, enter } = await openPageDoor();
    const send = await enter();
    for (const answer of [
      await call({ path: '/' }),
      await call({ path: '/page.js' }),
      await call({ path: '/nothing' }),
      await call({ path: '/api/status' }),
      await call({ path: '/', headers: { host: 'evil.com' } }),
      await send({ path: '/api/status' }),
      await send({ path: '/api/runs/run_1/events' }),
    ]) {
      const { headers } = answer;
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
      );
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers['set-cookie']).toBeUndefined();
    }
    for (const dest of ['iframe', 'frame', 'object', 'embed', 'script', 'empty']) {
      const headers = {
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': dest === 'script' ? 'no-cors' : 'navigate',
        'sec-fetch-dest': dest,
      };
      expect([dest, (await call({ path: dest === 'script' ? '/page.js' : '/', headers })).status]).toEqual([
        dest,
        403,
      ]);
    }
  });

  it('95 follows no link in place of the file that opens it, and shows that file to nobody', async () => {
    const { door, file } = await openPageDoor();
    const precious = join(dirname(file), 'precious');
    writeFileSync(precious, 'precious');
    await door.close();
    const again = await openDoor({}, door.socketPath);
    symlinkSync(precious, file);
    await again.client.askPage();
    expect([lstatSync(file).isSymbolicLink(), lstatSync(file).mode & 0o777]).toEqual([false, 0o600]);
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    await again.close();
    expect(existsSync(file)).toBe(false);
  });

  it('77 takes no body over its size or depth, nor more connections than it has a use for', async () => {
    const { enter, call, port } = await openPageDoor();
    const send = await enter();
    const large = `{"decision":"no","words":"${'x'.repeat(10_485_760)}"}`;
    const deep = `{"decision":"no","words":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const post = { method: 'POST', path: '/api/approvals/apr_1' };
    expect((await send({ ...post, body: large })).status).toBe(413);
    expect((await send({ ...post, body: deep })).status).toBe(400);
    expect((await call({ ...POST_SESSION, body: large })).status).toBe(413);
    let closed = 0;
    const sockets = Array.from({ length: 100 }, () =>
      connect(port, '127.0.0.1')
        .on('error', () => {})
        .on('close', () => {
          closed += 1;
        }),
    );
    await expect.poll(() => closed).toBeGreaterThanOrEqual(36);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => closed).toBe(100);
    expect((await send({ path: '/api/status' })).status).toBe(200);
  });
});

describe('a run in its sandbox', () => {
  const prepare = ({ state }: Scene) => chmodSync(state, 0o700);
  attack('48 gets nothing of the page, with every network', { commands: true, prepare }, async (scene) => {
    const { ports, touched } = counting();
    const door = await openDoor(ports, join(scene.state, 'daemon.sock'));
    const { url, file } = await door.client.askPage();
    const { origin, hash } = new URL(url);
    const policy = { ...scene.workspace.policy, network: 'on' as const };
    const context = { workspace: { ...scene.workspace, policy } };
    const script = [
      `cat ${file}`,
      `grep -rs ${hash.slice(1)} ${scene.state} /proc/[0-9]*/cmdline /proc/[0-9]*/environ`,
      `curl -sS -m 5 ${origin}/api/status`,
      `curl -sS -m 5 -H 'Authorization: Bearer x' ${origin}/api/approvals`,
      `curl -sS -m 5 -X POST -H 'Content-Type: application/json' -d '{"token":"x"}' ${origin}/session`,
      `curl -sS -m 5 -X POST -H 'Content-Type: application/json' -d '{"decision":"always"}' ${origin}/api/approvals/apr_1`,
    ].join('; ');
    const { output } = await scene.shell(script, { context });
    expect(output).not.toContain(hash.slice(1));
    expect(output.match(/"code":"unauthorized"/g)).toHaveLength(3);
    expect(output).toContain('"code":"invalid_token"');
    expect(touched).toEqual([]);
    await door.close();
  });
});
