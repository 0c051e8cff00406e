import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/kit/random.ts';
import { createKey } from '../../src/mesh/store/keys.ts';
import { Store } from '../../src/mesh/store/store.ts';
import { type AuditRecord, auditText, NO_AUDIT_HASH } from '../../src/protocol/audit.ts';
import { linkDevice } from '../support/device-client.ts';
import { openMesh, type TestMesh } from './harness.ts';

/** A chain of records as a device makes it. */
function chain(count: number, { from = 1, previousHash = NO_AUDIT_HASH, word = 'x' } = {}): AuditRecord[] {
  let before = previousHash;
  return Array.from({ length: count }, (_, index) => {
    const record = {
      n: from + index,
      at: '2026-01-01T00:00:00.000Z',
      type: 'command',
      runId: 'run_1',
      detail: { word },
    };
    before = createHash('sha256').update(auditText(before, record)).digest('hex');
    return { ...record, hash: before };
  });
}

const append = (mesh: TestMesh, apiKey: string, records: AuditRecord[], over = {}) =>
  mesh.call(
    'POST',
    '/v1/runmesh/audit',
    { epoch: 'e1', previousHash: NO_AUDIT_HASH, records, ...over },
    apiKey,
  );

describe('the mesh’s copy of a device’s audit', () => {
  it('takes records once however often they come, and lists them newest first', async () => {
    const mesh = await openMesh();
    const device = await linkDevice(mesh);
    const records = chain(5);
    expect((await append(mesh, device.apiKey, records.slice(0, 3))).data).toEqual({ acked: 3 });
    expect((await append(mesh, device.apiKey, records)).data).toEqual({ acked: 5 });
    const rest = { previousHash: records[3]?.hash ?? '' };
    expect((await append(mesh, device.apiKey, records.slice(4), rest)).data).toEqual({ acked: 5 });
    const first = await mesh.call('GET', '/v1/runmesh/audit?limit=2');
    expect(first.data.map(({ n }: AuditRecord) => n)).toEqual([5, 4]);
    expect(first.data[0]).toMatchObject({ deviceId: device.deviceId, epoch: 'e1', detail: { word: 'x' } });
    const second = await mesh.call('GET', `/v1/runmesh/audit?limit=9&cursor=${first.body.nextCursor}`);
    expect(second.data.map(({ n }: AuditRecord) => n)).toEqual([3, 2, 1]);
    expect((await mesh.call('GET', '/v1/runmesh/audit?runId=other')).data).toEqual([]);
    expect(
      (await mesh.call('GET', `/v1/runmesh/audit?deviceId=${device.deviceId}&type=command`)).data,
    ).toHaveLength(5);
  });

  it('refuses what does not follow, and what it has stays', async () => {
    const mesh = await openMesh();
    const { apiKey } = await linkDevice(mesh);
    const records = chain(3);
    await append(mesh, apiKey, records);
    const last = records[2]?.hash ?? '';
    const wrong = [
      ['a hole', chain(1, { from: 5, previousHash: last }), { previousHash: last }],
      ['another body under a number that is taken', chain(3, { word: 'forged' }), {}],
      [
        'a chain that goes another way',
        chain(1, { from: 4, previousHash: 'f'.repeat(64) }),
        { previousHash: 'f'.repeat(64) },
      ],
      ['a hash that does not fit', [{ ...(records[0] as AuditRecord), n: 4 }], { previousHash: last }],
    ] as const;
    for (const [name, bad, over] of wrong) {
      const { status, body } = await append(mesh, apiKey, [...bad], over);
      expect([name, status, body.error.code]).toEqual([name, 409, 'sequence_conflict']);
    }
    const stored = (await mesh.call('GET', '/v1/runmesh/audit')).data;
    expect(stored.map(({ hash }: AuditRecord) => hash)).toEqual(records.map(({ hash }) => hash).reverse());
  });

  it('takes another epoch from any number on', async () => {
    const mesh = await openMesh();
    const { apiKey } = await linkDevice(mesh);
    await append(mesh, apiKey, chain(2));
    const previousHash = 'a'.repeat(64);
    const later = chain(2, { from: 40, previousHash });
    expect((await append(mesh, apiKey, later, { epoch: 'e2', previousHash })).data).toEqual({ acked: 41 });
  });

  it('is written by devices alone, read by those who may, and by nobody of another organisation', async () => {
    const mesh = await openMesh();
    const { apiKey } = await linkDevice(mesh);
    await append(mesh, apiKey, chain(2));
    expect((await append(mesh, mesh.apiKey, chain(2))).status).toBe(403);
    expect((await mesh.call('GET', '/v1/runmesh/audit', undefined, apiKey)).status).toBe(403);
    expect((await mesh.call('GET', '/v1/runmesh/audit', undefined, null)).status).toBe(401);
    const store = new Store({ dataDir: mesh.dataDir, random: systemRandom });
    const stranger = createKey(
      store,
      systemRandom,
      { orgId: 'org_other', userId: 'u', name: 'k', scopes: ['*'] },
      Date.now(),
    );
    store.close();
    expect((await mesh.call('GET', '/v1/runmesh/audit', undefined, stranger.apiKey)).data).toEqual([]);
  });
});
