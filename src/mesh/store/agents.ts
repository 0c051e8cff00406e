import { prefixedId, type Random } from '../../kit/random.ts';
import type { AgentDefinition, AgentUpsert } from '../../protocol/agents.ts';
import type { Store } from './store.ts';

interface AgentRow {
  seq: number;
  definition: string;
}

/** Creates the agent of this slug or replaces it; a body that changes nothing makes no new version. */
export function upsertAgent(
  store: Store,
  random: Random,
  orgId: string,
  body: AgentUpsert,
): { action: 'created' | 'updated' | 'unchanged'; agent: AgentDefinition } {
  return store.transaction(() => {
    const known = findAgent(store, orgId, body.slug);
    if (known === undefined) {
      const agent = { id: prefixedId(random, 'agt'), version: 1, ...body } as AgentDefinition;
      store.run(
        'INSERT INTO agents (id, org_id, slug, version, definition) VALUES (?, ?, ?, ?, ?)',
        agent.id,
        orgId,
        agent.slug,
        agent.version,
        JSON.stringify(agent),
      );
      return { action: 'created', agent };
    }
    const same = { id: known.id, version: known.version, ...body } as AgentDefinition;
    if (JSON.stringify(same) === JSON.stringify(known)) return { action: 'unchanged', agent: known };
    const agent = { ...same, version: known.version + 1 };
    store.run(
      'UPDATE agents SET version = ?, definition = ? WHERE id = ?',
      agent.version,
      JSON.stringify(agent),
      agent.id,
    );
    return { action: 'updated', agent };
  });
}

export function findAgent(store: Store, orgId: string, slug: string): AgentDefinition | undefined {
  const row = store.get<AgentRow>(
    'SELECT seq, definition FROM agents WHERE org_id = ? AND slug = ?',
    orgId,
    slug,
  );
  return row && (JSON.parse(row.definition) as AgentDefinition);
}

/** Of an organisation, newest first; with a `deviceId`, those bound to that device. */
export function listAgents(
  store: Store,
  { orgId, deviceId }: { orgId: string; deviceId: string | null },
  before: number,
  limit: number,
): { seq: number; agent: AgentDefinition }[] {
  return store
    .all<AgentRow>(
      `SELECT seq, definition FROM agents
       WHERE org_id = ? AND seq < ? AND (? IS NULL OR definition ->> '$.targetDeviceId' = ?)
       ORDER BY seq DESC LIMIT ?`,
      orgId,
      before,
      deviceId,
      deviceId,
      limit,
    )
    .map(({ seq, definition }) => ({ seq, agent: JSON.parse(definition) as AgentDefinition }));
}
