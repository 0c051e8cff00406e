import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/kit/random.ts';
import { createKey } from '../../src/mesh/store/keys.ts';
import { Store } from '../../src/mesh/store/store.ts';
import { callApi } from '../support/api.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempDir } from '../support/temp.ts';
import { openBoundMesh, openMesh, startRun } from './harness.ts';

describe('API keys', () => {
  it('open the mesh by Authorization: Bearer and by X-API-Key', async () => {
    const mesh = await openMesh();
    expect(mesh.apiKey).toMatch(/^rt_test_[A-Za-z0-9]{32}$/);
    expect((await mesh.call('GET', '/v1/agents')).status).toBe(200);
    const headers = { 'X-API-Key': mesh.apiKey };
    expect((await callApi(mesh, 'GET', '/v1/agents', { apiKey: null, headers })).status).toBe(200);
  });

  it('are refused with 401 when missing, unknown or malformed', async () => {
    const mesh = await openMesh();
    const missing = await mesh.call('GET', '/v1/agents', undefined, null);
    expect([missing.status, missing.body.error.code]).toEqual([401, 'unauthorized']);
    for (const apiKey of [`rt_test_${'x'.repeat(32)}`, 'nonsense', "rt_test_' OR 1=1"]) {
      const answer = await mesh.call('GET', '/v1/agents', undefined, apiKey);
      expect([answer.status, answer.body.error.code]).toEqual([401, 'invalid_token']);
      expect(answer.body.error.requestId).toMatch(/^req_/);
    }
  });

  it('are refused with 401 once revoked or expired', async () => {
    const clock = new FakeClock();
    const mesh = await openMesh({ clock });
    const make = async (extra: object) =>
      (await mesh.call('POST', '/v1/api-keys', { name: 'ci', scopes: ['agent:read'], ...extra })).data;
    const revoked = await make({});
    const expiring = await make({ expiresInMs: 1_000 });
    expect((await mesh.call('GET', '/v1/run', undefined, expiring.apiKey)).status).toBe(200);
    await mesh.call('POST', `/v1/api-keys/${revoked.id}/revoke`);
    await clock.advance(1_000);
    expect((await mesh.call('GET', '/v1/run', undefined, revoked.apiKey)).body.error.code).toBe(
      'invalid_token',
    );
    expect((await mesh.call('GET', '/v1/run', undefined, expiring.apiKey)).body.error.code).toBe(
      'token_expired',
    );
    expect((await mesh.call('POST', '/v1/api-keys/key_none/revoke')).status).toBe(404);
    expect((await mesh.call('GET', '/v1/api-keys')).data.map((key: { id: string }) => key.id)).toContain(
      revoked.id,
    );
  });

  it('grant what their scopes say and no more', async () => {
    const { mesh, device } = await openBoundMesh();
    const forbidden = await mesh.call('GET', '/v1/runmesh/nodes', undefined, device.apiKey);
    expect([forbidden.status, forbidden.body.error.code]).toEqual([403, 'forbidden']);
    const agentKey = (await mesh.call('POST', '/v1/api-keys', { name: 'a', scopes: ['agent:*'] })).data
      .apiKey;
    expect((await mesh.call('GET', '/v1/agents', undefined, agentKey)).status).toBe(200);
    expect((await mesh.call('GET', '/v1/runmesh/nodes', undefined, agentKey)).status).toBe(403);
    const body = { slug: 'own', model: 'm', executionMode: 'managed' };
    expect((await mesh.call('POST', '/v1/agents', body, device.apiKey)).status).toBe(403);
    expect((await mesh.call('POST', '/v1/api-keys', { name: 'x', scopes: ['*'] }, agentKey)).status).toBe(
      403,
    );
    const bad = await mesh.call('POST', '/v1/api-keys', { name: 'x', scopes: ['root'] });
    expect([bad.status, bad.body.error.field]).toEqual([400, 'scopes.0']);
  });

  it('see nothing of another organisation', async () => {
    const dataDir = tempDir();
    const store = new Store({ dataDir, random: systemRandom });
    const other = { orgId: 'org_other', userId: 'usr_other', name: 'other', scopes: ['*'] };
    const { apiKey } = createKey(store, systemRandom, other, 0);
    store.close();
    const { mesh, device } = await openBoundMesh({ dataDir });
    const { runId, threadId } = (await startRun(mesh)).data;
    for (const path of [
      `/v1/run/${runId}`,
      `/v1/run/${runId}/events`,
      `/v1/threads/${threadId}`,
      `/v1/threads/${threadId}/events`,
      `/v1/runmesh/nodes/${device.deviceId}`,
      '/v1/agents/fixer',
    ]) {
      expect([path, (await mesh.call('GET', path, undefined, apiKey)).status]).toEqual([path, 404]);
    }
    expect((await mesh.call('POST', '/v1/run', { agent: 'fixer', prompt: 'x' }, apiKey)).status).toBe(404);
    expect((await mesh.call('GET', '/v1/run', undefined, apiKey)).data).toEqual([]);
    const slug = { slug: 'theirs', model: 'm', executionMode: 'local-mac', targetDeviceId: device.deviceId };
    expect((await mesh.call('POST', '/v1/agents', slug, apiKey)).body.error.field).toBe('targetDeviceId');
  });

  it('are kept as hashes, but for the owner’s own in a file nobody else can read', async () => {
    const mesh = await openMesh();
    const file = join(mesh.dataDir, 'owner.key');
    expect(readFileSync(file, 'utf8')).toBe(`${mesh.apiKey}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await mesh.close();
    expect(readFileSync(join(mesh.dataDir, 'mesh.db')).includes(mesh.apiKey)).toBe(false);
  });
});

describe('a request', () => {
  it('that is not JSON, lacks a field or is nested too deep answers 400 and says which', async () => {
    const mesh = await openMesh();
    const broken = await mesh.call('POST', '/v1/agents', '{"slug":');
    expect([broken.status, broken.body.error.code]).toEqual([400, 'bad_request']);
    const empty = await mesh.call('POST', '/v1/agents');
    expect([empty.status, empty.body.error.field]).toEqual([400, 'slug']);
    const deep = `{"agent":"a","prompt":"x","metadata":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    expect((await mesh.call('POST', '/v1/run', deep)).status).toBe(400);
    expect((await mesh.call('GET', '/v1/run?limit=0')).body.error.field).toBe('limit');
    expect((await mesh.call('GET', '/v1/run?cursor=zzz')).body.error.field).toBe('cursor');
  });

  it('over 10 MB answers 413', async () => {
    const mesh = await openMesh();
    const answer = await mesh.call('POST', '/v1/run', { agent: 'a', prompt: 'x'.repeat(10_485_760) });
    expect([answer.status, answer.body.error.code]).toEqual([413, 'payload_too_large']);
    expect((await mesh.call('GET', '/healthz', undefined, null)).data).toEqual({ status: 'ok' });
  });

  it('for a path nobody serves answers 404 in the envelope', async () => {
    const mesh = await openMesh();
    const answer = await mesh.call('GET', '/v1/nothing');
    expect([answer.status, answer.body.error.code]).toEqual([404, 'not_found']);
  });

  it('finds every route in the OpenAPI document, with the schema that checks it', async () => {
    const mesh = await openMesh();
    const { body } = await mesh.call('GET', '/openapi.json', undefined, null);
    expect(body.paths['/v1/run/{runId}/cancel'].post.security[0]).toEqual({ bearer: ['agent:run'] });
    const { properties } = body.paths['/v1/run'].post.requestBody.content['application/json'].schema;
    expect(Object.keys(properties)).toEqual([
      'agent',
      'prompt',
      'messages',
      'stream',
      'threadId',
      'config',
      'metadata',
    ]);
  });
});
