import { isoTime } from '../../kit/clock.ts';
import { prefixedId, type Random } from '../../kit/random.ts';
import type { ExecutionMode } from '../../protocol/agents.ts';
import type { Thread } from '../../protocol/threads.ts';
import type { Store } from './store.ts';

export interface ThreadRow {
  seq: number;
  id: string;
  orgId: string;
  ownerUserId: string;
  agentId: string;
  title: string | null;
  executionMode: ExecutionMode;
  archived: number;
  activeRolloutId: string;
  lastSequence: number;
  createdAt: number;
  updatedAt: number;
}

export interface NewThread {
  orgId: string;
  ownerUserId: string;
  agentId: string;
  title: string;
  executionMode: ExecutionMode;
}

/** Makes a thread with its first rollout. */
export function createThread(store: Store, random: Random, thread: NewThread, now: number): ThreadRow {
  const id = prefixedId(random, 'thr');
  const rolloutId = prefixedId(random, 'rol');
  store.run(
    `INSERT INTO threads (id, org_id, owner_user_id, agent_id, title, execution_mode, active_rollout_id, created_at,
       updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    thread.orgId,
    thread.ownerUserId,
    thread.agentId,
    thread.title,
    thread.executionMode,
    rolloutId,
    now,
    now,
  );
  store.run('INSERT INTO rollouts (id, thread_id, started_at) VALUES (?, ?, ?)', rolloutId, id, now);
  return {
    ...thread,
    seq: 0,
    id,
    archived: 0,
    activeRolloutId: rolloutId,
    lastSequence: 0,
    createdAt: now,
    updatedAt: now,
  };
}

export function findThread(
  store: Store,
  { orgId, deviceId = null }: { orgId: string; deviceId?: string | null },
  id: string,
): ThreadRow | undefined {
  return store.get<ThreadRow>(
    `SELECT ${COLUMNS} FROM threads WHERE id = ? AND org_id = ? AND ${OF_DEVICE}`,
    id,
    orgId,
    deviceId,
    deviceId,
  );
}

/** Newest first; `agentId` narrows the list to one agent's, a `deviceId` to those that device has runs in. */
export function listThreads(
  store: Store,
  { orgId, deviceId }: { orgId: string; deviceId: string | null },
  options: { agentId: string | undefined; before: number; limit: number },
): ThreadRow[] {
  const agentId = options.agentId ?? null;
  return store.all<ThreadRow>(
    `SELECT ${COLUMNS} FROM threads WHERE org_id = ? AND (? IS NULL OR agent_id = ?) AND seq < ? AND ${OF_DEVICE}
     ORDER BY seq DESC LIMIT ?`,
    orgId,
    agentId,
    agentId,
    options.before,
    deviceId,
    deviceId,
    options.limit,
  );
}

export interface Rollout {
  rolloutId: string;
  threadId: string;
  startedAt: string;
  completedAt: string | null;
  eventCount: number;
}

export function listRollouts(store: Store, threadId: string): Rollout[] {
  const rows = store.all<{ id: string; startedAt: number; completedAt: number | null; eventCount: number }>(
    `SELECT id, started_at AS startedAt, completed_at AS completedAt,
       (SELECT count(*) FROM events WHERE events.thread_id = rollouts.thread_id AND rollout_id = rollouts.id) AS eventCount
     FROM rollouts WHERE thread_id = ? ORDER BY seq`,
    threadId,
  );
  return rows.map((row) => ({
    rolloutId: row.id,
    threadId,
    startedAt: isoTime(row.startedAt),
    completedAt: row.completedAt === null ? null : isoTime(row.completedAt),
    eventCount: row.eventCount,
  }));
}

export function toThread(row: ThreadRow): Thread {
  return {
    id: row.id,
    orgId: row.orgId,
    ownerUserId: row.ownerUserId,
    agentId: row.agentId,
    title: row.title,
    executionMode: row.executionMode,
    archived: row.archived !== 0,
    activeRolloutId: row.activeRolloutId,
    createdAt: isoTime(row.createdAt),
    updatedAt: isoTime(row.updatedAt),
  };
}

const OF_DEVICE = '(? IS NULL OR EXISTS (SELECT 1 FROM runs WHERE thread_id = threads.id AND device_id = ?))';
const COLUMNS = `seq, id, org_id AS orgId, owner_user_id AS ownerUserId, agent_id AS agentId, title,
  execution_mode AS executionMode, archived, active_rollout_id AS activeRolloutId, last_sequence AS lastSequence,
  created_at AS createdAt, updated_at AS updatedAt`;
