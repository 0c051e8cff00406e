import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CONNECT_PATH, SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { openMesh, type TestMesh } from '../mesh/harness.ts';
import { createDeviceKey, linkDevice } from '../support/device-client.ts';
import { stateOf } from './mesh-state.ts';

/** A request as a browser sends it for a page, headers that `fetch` would not let us set included. */
function send(
  mesh: TestMesh,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      mesh.url + path,
      { method, headers: options.headers ?? {}, agent: false },
      (answer) => {
        text(answer).then(
          (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
          reject,
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** What a raw request is answered with: the first line. */
function raw(mesh: TestMesh, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(mesh.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('error', reject).on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  });
}

function upgradeStatus(mesh: TestMesh, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(mesh.url.replace('http', 'ws') + CONNECT_PATH, SUBPROTOCOL, { headers });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('error', () => {});
  });
}

/** A host that is no host is a bad request; one that is not ours is forbidden. */
const REFUSED = [400, 403];

const linkStart = () =>
  JSON.stringify({
    publicKey: createDeviceKey().publicKey,
    deviceLabel: 'evil',
    os: 'linux',
    appVersion: '1',
    hostname: 'h',
  });

describe('a web page that its visitor’s browser lets near a mesh', () => {
  it('92 reaches nothing by a name of its own that resolves to this machine', async () => {
    const mesh = await openMesh();
    const { port } = new URL(mesh.url);
    const before = await stateOf(mesh);
    const key = { 'X-API-Key': mesh.apiKey };
    for (const host of [
      'evil.com',
      `evil.com:${port}`,
      `127.0.0.1.:${port}`,
      `localhost.evil:${port}`,
      `127.0.0.1.nip.io:${port}`,
      `evil.com@127.0.0.1:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      '127.0.0.1:80:80',
    ]) {
      const answer = await send(mesh, 'GET', '/v1/agents', { headers: { ...key, Host: host } });
      expect([host, REFUSED.includes(answer.status)]).toEqual([host, true]);
      const page = await send(mesh, 'GET', '/devices/link', { headers: { Host: host } });
      expect([host, REFUSED.includes(page.status), page.body.includes('<html')]).toEqual([host, true, false]);
      expect([host, await upgradeStatus(mesh, { Host: host })]).toEqual([host, 403]);
    }
    for (const host of [`127.0.0.1:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`, 'localhost:9999']) {
      const answer = await send(mesh, 'GET', '/v1/agents', { headers: { ...key, Host: host } });
      expect([host, answer.status]).toEqual([host, 200]);
    }
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('92 is not answered where no host is named, or two', async () => {
    const mesh = await openMesh();
    expect(await raw(mesh, 'GET /healthz HTTP/1.1')).toContain('400');
    expect(await raw(mesh, 'GET /healthz HTTP/1.1\r\nHost:')).toContain('400');
    expect(await raw(mesh, 'GET /healthz HTTP/1.0')).toMatch(/40[03]/);
    expect(await raw(mesh, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.com')).toMatch(/40[03]/);
    expect(await raw(mesh, 'GET http://evil.com/healthz HTTP/1.1\r\nHost: evil.com')).toContain('403');
    expect(await raw(mesh, 'GET /healthz HTTP/1.1\r\nHost: localhost')).toContain('200');
  });

  it('92 is told by its origin, `null` too, and starts no linking by a form', async () => {
    const mesh = await openMesh();
    const before = await stateOf(mesh);
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json',
    ];
    for (const origin of [
      'https://evil.com',
      'null',
      'http://127.0.0.1:1',
      'file://',
      mesh.url.replace('http:', 'https:').replace(/\d+$/, '1'),
    ]) {
      for (const type of types) {
        const headers = { Origin: origin, 'Content-Type': type };
        const answer = await send(mesh, 'POST', '/v1/runmesh/devices/link/start', {
          headers,
          body: linkStart(),
        });
        expect([origin, type, answer.status]).toEqual([origin, type, 403]);
      }
    }
    // And a browser that says no origin at all still says what a form is.
    for (const type of types.slice(0, 3)) {
      const headers = { 'Content-Type': type };
      const answer = await send(mesh, 'POST', '/v1/runmesh/devices/link/start', {
        headers,
        body: linkStart(),
      });
      expect([type, answer.status]).toEqual([type, 400]);
    }
    expect(await stateOf(mesh)).toEqual(before);
  });

  it('92 is given no leave by a preflight, and reads no answer', async () => {
    const mesh = await openMesh();
    for (const path of ['/v1/run', '/v1/runmesh/devices/link/start', '/openapi.json', '/healthz']) {
      const headers = {
        Origin: 'https://evil.com',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
        'Access-Control-Request-Private-Network': 'true',
      };
      const preflight = await send(mesh, 'OPTIONS', path, { headers });
      expect(preflight.status).toBeGreaterThanOrEqual(400);
      for (const answer of [preflight, await send(mesh, 'GET', path)]) {
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
        expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
      }
    }
  });

  it('92 opens no device socket, from its own origin or from ours', async () => {
    const mesh = await openMesh();
    for (const Origin of ['https://evil.com', 'null', mesh.url]) {
      expect(await upgradeStatus(mesh, { Origin })).toBe(403);
    }
  });

  it('92 and the mesh’s own page is answered, also through a forwarded port', async () => {
    const mesh = await openMesh();
    for (const [Origin, Host] of [
      [mesh.url, new URL(mesh.url).host],
      ['http://localhost:9999', 'localhost:9999'],
    ] as const) {
      const headers = { Origin, Host, 'Content-Type': 'application/json' };
      const answer = await send(mesh, 'POST', '/v1/runmesh/devices/link/start', {
        headers,
        body: linkStart(),
      });
      expect(answer.status).toBe(201);
    }
  });

  it('93 finds no key and no code in an address: nothing is sent on as a Referer, nothing is cached', async () => {
    const mesh = await openMesh();
    const { url } = JSON.parse(
      (
        await send(mesh, 'POST', '/v1/runmesh/devices/link/start', {
          headers: { 'Content-Type': 'application/json' },
          body: linkStart(),
        })
      ).body,
    ).data;
    expect(new URL(url).search + new URL(url).hash).toBe('');
    for (const path of ['/devices/link', '/v1/agents', '/healthz', '/nothing']) {
      const { headers } = await send(mesh, 'GET', path);
      expect([path, headers['referrer-policy'], headers['cache-control']]).toEqual([
        path,
        'no-referrer',
        'no-store',
      ]);
    }
    for (const query of [`?api_key=${mesh.apiKey}`, `?token=${mesh.apiKey}`, `?X-API-Key=${mesh.apiKey}`]) {
      expect((await send(mesh, 'GET', `/v1/agents${query}`)).status).toBe(401);
    }
  });

  it('94 frames nothing of the mesh, and what a device calls itself is no script anywhere', async () => {
    const mesh = await openMesh();
    const label = '<img src=x onerror=alert(1)>"\u202e';
    const device = await linkDevice(mesh, label);
    for (const path of [
      '/devices/link',
      `/v1/runmesh/nodes/${device.deviceId}`,
      '/<script>alert(1)</script>',
    ]) {
      const { headers, body } = await send(mesh, 'GET', path, { headers: { 'X-API-Key': mesh.apiKey } });
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      if (path !== '/devices/link') expect(headers['content-type']).toContain('application/json');
      else expect(body).not.toContain(label);
    }
    const page = await send(mesh, 'GET', '/devices/link');
    const policy = String(page.headers['content-security-policy']);
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1] ?? 'none';
    const scripts = [...page.body.matchAll(/<script[^>]*>/g)].map(([tag]) => tag);
    expect(scripts).toEqual([`<script nonce="${nonce}">`]);
    expect(policy).not.toContain('unsafe');
    expect((await send(mesh, 'GET', '/devices/link')).body).not.toContain(nonce);
  });
});
