import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/kit/random.ts';
import { createKey } from '../../src/mesh/store/keys.ts';
import { Store } from '../../src/mesh/store/store.ts';
import { linkPollText } from '../../src/protocol/signing.ts';
import { createDeviceKey, DeviceClient, linkDevice, signText } from '../support/device-client.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';
import { openMesh, type TestMesh } from './harness.ts';

const PATH = '/v1/runmesh/devices/link';

async function start(mesh: TestMesh, clientMetadata: Record<string, unknown> = {}) {
  const key = createDeviceKey();
  const answer = await mesh.call(
    'POST',
    `${PATH}/start`,
    {
      publicKey: key.publicKey,
      deviceLabel: 'study',
      os: 'macos',
      appVersion: '1.2',
      hostname: 'study.local',
      clientMetadata,
    },
    null,
  );
  const code: string = answer.data.code;
  const poll = (privateKey = key.privateKey, origin = mesh.url) => {
    const signature = signText(privateKey, linkPollText({ code, origin }));
    return mesh.call('POST', `${PATH}/poll`, { code, signature }, null);
  };
  return { answer, code, poll, key };
}

describe('linking a device', () => {
  it('gives it an identity and a key once its owner approved the code, and only once', async () => {
    const mesh = await openMesh();
    const { answer, code, poll } = await start(mesh);
    expect(answer.status).toBe(201);
    expect(code).toMatch(/^[A-HJ-NP-Z2-9]{6}$/);
    expect(answer.data.url).toBe(`${mesh.url}/devices/link`);
    expect((await poll()).data).toEqual({ status: 'pending', retryAfterMs: 500 });
    const approval = await mesh.call('POST', `${PATH}/approve`, { code: code.toLowerCase() });
    expect(approval.data).toMatchObject({ status: 'approved', deviceId: expect.stringMatching(/^dev_/) });
    const { data } = await poll();
    expect(data).toMatchObject({
      status: 'approved',
      node: { label: 'study', orgId: 'org_local', meshOrigin: mesh.url },
    });
    expect(data.apiKey).toMatch(/^rt_test_/);
    expect((await poll()).data).toEqual({ status: 'expired' });
    expect((await mesh.call('POST', `${PATH}/approve`, { code })).status).toBe(409);
  });

  it('lets a new key take the place of a lost one, and nobody else’s', async () => {
    const dataDir = tempDir();
    const store = new Store({ dataDir, random: systemRandom });
    const stranger = { orgId: 'org_other', userId: 'usr_other', name: 'other', scopes: ['*'] };
    const { apiKey: other } = createKey(store, systemRandom, stranger, 0);
    store.close();
    const mesh = await openMesh({ dataDir });
    const lost = await linkDevice(mesh, 'desk');
    const { code, poll, key } = await start(mesh, { replacesDeviceId: lost.deviceId });
    expect((await mesh.call('GET', `${PATH}/${code}`)).data.replaces).toMatchObject({
      deviceId: lost.deviceId,
      label: 'desk',
    });
    await mesh.call('POST', `${PATH}/approve`, { code });
    const { data } = await poll();
    expect(data.node.deviceId).toBe(lost.deviceId);
    expect((await mesh.call('GET', '/v1/runmesh/nodes')).data).toHaveLength(1);
    // What the old key signs is worth nothing from here on, and neither is its API key.
    const old = new DeviceClient(lost.origin);
    await old.sayHello(lost);
    expect((await old.closed).code).toBe(4503);
    expect((await mesh.call('GET', '/v1/agents', undefined, lost.apiKey)).status).toBe(401);
    await DeviceClient.connect({ ...lost, privateKey: key.privateKey, apiKey: data.apiKey });

    const stolen = await start(mesh, { replacesDeviceId: lost.deviceId });
    expect((await mesh.call('GET', `${PATH}/${stolen.code}`, undefined, other)).data.replaces).toBeNull();
    await mesh.call('POST', `${PATH}/approve`, { code: stolen.code }, other);
    expect((await stolen.poll()).data.node.deviceId).not.toBe(lost.deviceId);
  });

  it('shows the owner what asks, before it is approved', async () => {
    const mesh = await openMesh();
    const { code } = await start(mesh);
    const { data } = await mesh.call('GET', `${PATH}/${code}`);
    expect(data).toMatchObject({ status: 'pending', label: 'study', hostname: 'study.local', os: 'macos' });
    expect(data.keyFingerprint).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
    expect((await mesh.call('GET', `${PATH}/${code}`, undefined, null)).status).toBe(401);
    const page = await mesh.call('GET', '/devices/link', undefined, null);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.body).toContain('Link a device');
  });

  it('answers nobody who only has the code, and kills it at the fifth wrong signature', async () => {
    const mesh = await openMesh();
    const { code, poll } = await start(mesh);
    const thief = createDeviceKey();
    expect((await poll(undefined, 'https://evil.example')).status).toBe(401);
    for (let i = 0; i < 4; i += 1) expect((await poll(thief.privateKey)).status).toBe(401);
    expect((await poll()).status).toBe(404);
    expect((await mesh.call('POST', `${PATH}/approve`, { code })).status).toBe(404);
  });

  it('takes a signature for any name of loopback, since a person may type any', async () => {
    const mesh = await openMesh();
    const { poll } = await start(mesh);
    expect((await poll(undefined, mesh.url.replace('127.0.0.1', 'localhost'))).data.status).toBe('pending');
  });

  it('ends when the owner denies the code, or ten minutes pass', async () => {
    const clock = new FakeClock();
    const mesh = await openMesh({ clock });
    const denied = await start(mesh);
    await mesh.call('POST', `${PATH}/approve`, { code: denied.code, deny: true });
    expect((await denied.poll()).data).toEqual({ status: 'denied' });
    const late = await start(mesh);
    await clock.advance(600_000);
    expect((await late.poll()).data).toEqual({ status: 'expired' });
    expect((await mesh.call('POST', `${PATH}/approve`, { code: late.code })).status).toBe(409);
  });

  it('is refused for wrong codes, too many tries, bad bodies and keys without the scope', async () => {
    const mesh = await openMesh();
    const noKey = await mesh.call('POST', `${PATH}/start`, { publicKey: 'short' }, null);
    expect([noKey.status, noKey.body.error.field]).toEqual([400, 'publicKey']);
    const device = await linkDevice(mesh);
    expect((await mesh.call('POST', `${PATH}/approve`, { code: 'AAAAAA' }, device.apiKey)).status).toBe(403);
    for (let i = 0; i < 20; i += 1) {
      expect((await mesh.call('POST', `${PATH}/approve`, { code: 'AAAAAA' })).status).toBe(404);
    }
    const limited = await mesh.call('POST', `${PATH}/approve`, { code: 'AAAAAA' });
    expect([limited.status, limited.body.error.code]).toEqual([429, 'rate_limited']);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('keeps who a device is when it links again with the same key, and ends its older key', async () => {
    const mesh = await openMesh();
    const first = await start(mesh);
    const { publicKey } = first.key;
    const ids: string[] = [];
    const keys: string[] = [];
    for (const label of ['old name', 'new name']) {
      const body = { publicKey, deviceLabel: label, os: 'macos', appVersion: '1', hostname: 'h' };
      const { code } = (await mesh.call('POST', `${PATH}/start`, body, null)).data;
      ids.push((await mesh.call('POST', `${PATH}/approve`, { code })).data.deviceId);
      const signature = signText(first.key.privateKey, linkPollText({ code, origin: mesh.url }));
      keys.push((await mesh.call('POST', `${PATH}/poll`, { code, signature }, null)).data.apiKey);
    }
    expect(ids[0]).toBe(ids[1]);
    expect((await mesh.call('GET', `/v1/runmesh/nodes/${ids[0]}`)).data.label).toBe('new name');
    expect((await mesh.call('GET', '/v1/agents', undefined, keys[0])).status).toBe(401);
    expect((await mesh.call('GET', '/v1/agents', undefined, keys[1])).status).toBe(200);
  });
});

describe('a linked device', () => {
  it('is listed, renamed, counted and shown online while it is connected', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const path = `/v1/runmesh/nodes/${device.deviceId}`;
    expect((await mesh.call('GET', path)).data).toMatchObject({
      type: 'mac',
      status: 'offline',
      lastHeardAt: null,
    });
    const { client } = await DeviceClient.connect(device, { hostname: 'renamed.local' });
    expect((await mesh.call('GET', path)).data).toMatchObject({
      status: 'online',
      hostname: 'renamed.local',
    });
    expect((await mesh.call('PATCH', path, { label: 'desk' })).data.label).toBe('desk');
    expect((await mesh.call('PATCH', path, { label: '' })).body.error.field).toBe('label');
    const overview = (await mesh.call('GET', '/v1/runmesh/overview')).data;
    expect(overview.nodes).toEqual({ total: 1, online: 1, offline: 0, unreachable: 0, revoked: 0 });
    client.send({ type: 'goodbye', reason: 'test' });
    expect((await client.closed).code).toBe(1000);
    expect((await mesh.call('GET', path)).data).toMatchObject({
      status: 'offline',
      lastHeardAt: expect.any(String),
    });
    expect((await mesh.call('GET', '/v1/runmesh/nodes/dev_none')).status).toBe(404);
  });

  it('comes in pages of a list that say whether there are more', async () => {
    const mesh = await openMesh();
    const devices = [await linkDevice(mesh), await linkDevice(mesh), await linkDevice(mesh)];
    const first = (await mesh.call('GET', '/v1/runmesh/nodes?limit=2')).body;
    expect(first.data.map((node: { id: string }) => node.id)).toEqual([
      devices[2]?.deviceId,
      devices[1]?.deviceId,
    ]);
    expect([first.hasMore, first.meta.hasMore, first.meta.nextCursor]).toEqual([
      true,
      true,
      first.nextCursor,
    ]);
    const rest = (await mesh.call('GET', `/v1/runmesh/nodes?limit=2&cursor=${first.nextCursor}`)).body;
    expect([rest.data.length, rest.hasMore, rest.nextCursor]).toEqual([1, false, null]);
  });
});
