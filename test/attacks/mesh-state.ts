import type { TestMesh } from '../mesh/harness.ts';

type Row = Record<string, unknown>;

/** All that a mesh's owner can see of it, but for what changes by looking: what an attack must leave as it was. */
export async function stateOf(mesh: TestMesh): Promise<Record<string, unknown>> {
  const list = async (path: string): Promise<Row[]> => (await mesh.call('GET', path)).data;
  const threads = await list('/v1/threads');
  const runs = await list('/v1/run');
  const without = (rows: Row[], ...names: string[]) =>
    rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name))));
  return {
    agents: await list('/v1/agents'),
    keys: without(await list('/v1/api-keys'), 'lastUsedAt'),
    nodes: without(await list('/v1/runmesh/nodes'), 'lastHeardAt', 'status'),
    runs: without(await Promise.all(runs.map(({ id }) => one(mesh, `/v1/run/${id}`))), 'deviceOnline'),
    events: await Promise.all(
      threads.map(({ id }) => one(mesh, `/v1/threads/${id}/events?include=all_rollouts`)),
    ),
  };
}

/** The first key of another organisation on the same mesh. */
export async function otherOrganisation(mesh: TestMesh, orgId = 'org_other'): Promise<string> {
  const body = { name: 'theirs', scopes: ['*'], orgId };
  return (await mesh.call('POST', '/v1/api-keys', body)).data.apiKey;
}

async function one(mesh: TestMesh, path: string): Promise<Row> {
  return (await mesh.call('GET', path)).data;
}
