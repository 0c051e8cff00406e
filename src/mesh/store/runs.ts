import { isoTime } from '../../kit/clock.ts';
import type { ExecutionMode } from '../../protocol/agents.ts';
import type { RunError } from '../../protocol/errors.ts';
import type { RunRecord, RunStatus } from '../../protocol/run-api.ts';
import { NO_USAGE, type Usage } from '../../protocol/usage.ts';
import type { Store } from './store.ts';

export interface RunRow {
  seq: number;
  id: string;
  orgId: string;
  userId: string;
  threadId: string;
  rolloutId: string;
  agentId: string;
  agentSlug: string;
  executionMode: ExecutionMode;
  deviceId: string | null;
  /** `caller`: dispatched to its device. `device`: started there, and never dispatched. */
  startedBy: 'caller' | 'device';
  /** The API key that started it; empty for runs of before that was kept. */
  keyId: string;
  /** JSON of the agent's definition when the run was registered. */
  agent: string;
  /** JSON of the input messages, config and metadata, as a dispatch carries them. */
  input: string;
  config: string;
  metadata: string;
  deadlineAt: number;
  status: RunStatus;
  attempt: number;
  /** The device journal the run lives in; `null` until the device took it. */
  journalEpoch: string | null;
  /** The last `runSequence` stored from the device: what is acknowledged. */
  lastRunSequence: number;
  cancelRequested: number;
  result: string | null;
  /** JSON. */
  usage: string | null;
  iterations: number;
  /** JSON. */
  error: string | null;
  createdAt: number;
  completedAt: number | null;
}

/** A run without what its caller said and what its agent is, which may be megabytes: to look at it often. */
export type RunHead = Omit<RunRow, 'agent' | 'input' | 'config' | 'metadata'>;

export type NewRun = Pick<
  RunRow,
  | 'id'
  | 'orgId'
  | 'userId'
  | 'threadId'
  | 'rolloutId'
  | 'agentId'
  | 'agentSlug'
  | 'executionMode'
  | 'deviceId'
  | 'startedBy'
  | 'keyId'
  | 'agent'
  | 'input'
  | 'config'
  | 'metadata'
  | 'deadlineAt'
  | 'createdAt'
>;

export function insertRun(store: Store, run: NewRun): void {
  store.run(
    `INSERT INTO runs (id, org_id, user_id, thread_id, rollout_id, agent_id, agent_slug, execution_mode, device_id,
       started_by, key_id, agent, input, config, metadata, deadline_at, created_at, status)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'registered')`,
    run.id,
    run.orgId,
    run.userId,
    run.threadId,
    run.rolloutId,
    run.agentId,
    run.agentSlug,
    run.executionMode,
    run.deviceId,
    run.startedBy,
    run.keyId,
    run.agent,
    run.input,
    run.config,
    run.metadata,
    run.deadlineAt,
    run.createdAt,
  );
}

export function findRun(store: Store, id: string): RunRow | undefined {
  const columns = `${HEAD_COLUMNS}, agent, input, config, metadata`;
  return store.get<RunRow>(`SELECT ${columns} FROM runs WHERE id = ?`, id);
}

export function findRunHead(store: Store, id: string): RunHead | undefined {
  return store.get<RunHead>(`SELECT ${HEAD_COLUMNS} FROM runs WHERE id = ?`, id);
}

export interface RunFilter {
  agent: string | undefined;
  status: RunStatus | undefined;
  before: number;
  limit: number;
}

/** What a list shows of a run: without what its caller said, which may be megabytes. */
export type RunListRow = Pick<
  RunRow,
  'seq' | 'id' | 'userId' | 'threadId' | 'agentId' | 'agentSlug' | 'status' | 'createdAt'
>;

/** Of an organisation; with a `deviceId`, of that device alone. */
export function listRuns(
  store: Store,
  { orgId, deviceId }: { orgId: string; deviceId: string | null },
  filter: RunFilter,
): RunListRow[] {
  const agent = filter.agent ?? null;
  const status = filter.status ?? null;
  return store.all<RunListRow>(
    `SELECT seq, id, user_id AS userId, thread_id AS threadId, agent_id AS agentId, agent_slug AS agentSlug, status,
       created_at AS createdAt
     FROM runs WHERE org_id = ? AND (? IS NULL OR device_id = ?) AND (? IS NULL OR agent_slug = ?) AND (? IS NULL OR status = ?) AND seq < ?
     ORDER BY seq DESC LIMIT ?`,
    orgId,
    deviceId,
    deviceId,
    agent,
    agent,
    status,
    status,
    filter.before,
    filter.limit,
  );
}

/** The device committed the run to the journal of this epoch. A run that is further than `registered` stays there. */
export function markRunAccepted(store: Store, id: string, journalEpoch: string, attempt: number): void {
  store.run(
    `UPDATE runs SET status = iif(status = 'registered', 'dispatched', status), journal_epoch = coalesce(journal_epoch, ?),
       attempt = max(attempt, ?)
     WHERE id = ? AND completed_at IS NULL`,
    journalEpoch,
    attempt,
    id,
  );
}

export function markCancelRequested(store: Store, id: string): void {
  store.run('UPDATE runs SET cancel_requested = 1 WHERE id = ?', id);
}

/** `online`: whether the run's device is connected now. */
export function toRunRecord(row: RunHead, online: boolean): RunRecord {
  return {
    runId: row.id,
    sandboxId: null,
    threadId: row.threadId,
    rolloutId: row.rolloutId,
    executionMode: row.executionMode,
    targetDeviceId: row.deviceId,
    status: row.status,
    result: row.result,
    usage: row.usage === null ? NO_USAGE : (JSON.parse(row.usage) as Usage),
    iterations: row.iterations,
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as RunError }),
    agent: row.agentSlug,
    createdAt: isoTime(row.createdAt),
    completedAt: row.completedAt === null ? null : isoTime(row.completedAt),
    deviceOnline: row.deviceId === null ? null : online,
  };
}

const HEAD_COLUMNS = `seq, id, org_id AS orgId, user_id AS userId, thread_id AS threadId, rollout_id AS rolloutId,
  agent_id AS agentId, agent_slug AS agentSlug, execution_mode AS executionMode, device_id AS deviceId,
  started_by AS startedBy, key_id AS keyId, deadline_at AS deadlineAt, status, attempt,
  journal_epoch AS journalEpoch, last_run_sequence AS lastRunSequence, cancel_requested AS cancelRequested, result,
  usage, iterations, error, created_at AS createdAt, completed_at AS completedAt`;
