import { createHash } from 'node:crypto';
import { RunmeshError } from '../../kit/errors.ts';
import type { AgentDefinition } from '../../protocol/agents.ts';
import { type InputMessage, textOf } from '../../protocol/content.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { RunRequest } from '../../protocol/run-api.ts';
import type { MeshServices } from '../context.ts';
import { findAgent } from '../store/agents.ts';
import { findIdempotency, saveIdempotency } from '../store/idempotency.ts';
import type { KeyRow } from '../store/keys.ts';
import { findNode } from '../store/nodes.ts';
import { findRun, insertRun, type RunRow } from '../store/runs.ts';
import { createThread, findThread, type ThreadRow } from '../store/threads.ts';

export interface RunStart {
  key: KeyRow;
  body: RunRequest;
  /** The caller's `Idempotency-Key`. */
  idempotencyKey: string | undefined;
}

/**
 * Stores a new run, or finds the one the same `Idempotency-Key` started. Throws `not_found` (agent, thread),
 * `not_implemented` (execution modes other than `local-mac`), `forbidden` (a device's key, for another device), `conflict` (revoked device, reused key),
 * `device_offline` (where the caller would rather fail than wait).
 */
export function registerRun(services: MeshServices, start: RunStart): { run: RunRow; repeated: boolean } {
  const { store, clock } = services;
  return store.transaction(() => {
    const earlier = findEarlierRun(services, start);
    if (earlier !== undefined) return { run: earlier, repeated: true };
    const agent = findAgent(store, start.key.orgId, start.body.agent);
    if (agent === undefined) throw new RunmeshError('not_found', `There is no agent ${start.body.agent}.`);
    const deviceId = checkDevice(services, start, agent);
    const now = clock.now();
    const run = insertNewRun(services, start, { agent, deviceId, now });
    if (start.idempotencyKey !== undefined) {
      const { orgId } = start.key;
      const row = { orgId, key: start.idempotencyKey, bodyHash: hashOf(start.body), runId: run.id };
      saveIdempotency(store, row, now);
    }
    return { run, repeated: false };
  });
}

function findEarlierRun(
  { store, clock }: MeshServices,
  { key, body, idempotencyKey }: RunStart,
): RunRow | undefined {
  if (idempotencyKey === undefined) return undefined;
  const known = findIdempotency(store, key.orgId, idempotencyKey, clock.now() - LIMITS.idempotencyMs);
  if (known === undefined) return undefined;
  const run = findRun(store, known.runId);
  // What a device's key may not read it is not told by a lucky Idempotency-Key either.
  const others = key.deviceId !== null && key.deviceId !== run?.deviceId;
  if (known.bodyHash !== hashOf(body) || others) {
    throw new RunmeshError('conflict', 'This Idempotency-Key came before with another body. Use a new key.');
  }
  return run;
}

function checkDevice(
  { store, devices }: MeshServices,
  { key, body }: RunStart,
  agent: AgentDefinition,
): string {
  if (agent.executionMode !== 'local-mac') {
    const missing =
      agent.executionMode === 'managed' ? 'a model gateway that runs agents' : 'a sandbox runtime';
    throw new RunmeshError(
      'not_implemented',
      `This mesh has no ${agent.executionMode} runs: ${missing} is missing. Bind the agent to a device (executionMode local-mac).`,
    );
  }
  if (key.deviceId !== null && key.deviceId !== agent.targetDeviceId) {
    throw new RunmeshError(
      'forbidden',
      `The agent ${agent.slug} is not bound to this device, and a device's own key starts no run elsewhere. Use an API key of yours.`,
    );
  }
  const device = agent.targetDeviceId === undefined ? undefined : findNode(store, agent.targetDeviceId);
  if (device === undefined || device.revokedAt !== null) {
    throw new RunmeshError(
      'conflict',
      `The device of agent ${agent.slug} is not linked any more. Bind the agent to another device.`,
    );
  }
  const failIfOffline = body.metadata?.failIfOffline === true && key.deviceId !== device.id;
  if (failIfOffline && !devices.isOnline(device.id)) {
    throw new RunmeshError('device_offline', `The device ${device.label} is not connected.`, {
      retryable: true,
    });
  }
  return device.id;
}

function insertNewRun(
  services: MeshServices,
  { key, body }: RunStart,
  { agent, deviceId, now }: { agent: AgentDefinition; deviceId: string; now: number },
): RunRow {
  const { store, random } = services;
  const input: InputMessage[] = body.messages ?? [{ role: 'user', content: body.prompt ?? '' }];
  const thread = findOrCreateThread(services, { key, body, agent, input, now });
  const config = body.config ?? {};
  const id = random.uuid();
  insertRun(store, {
    id,
    orgId: key.orgId,
    userId: key.userId,
    threadId: thread.id,
    rolloutId: thread.activeRolloutId,
    agentId: agent.id,
    agentSlug: agent.slug,
    executionMode: agent.executionMode,
    deviceId,
    startedBy: key.deviceId === deviceId ? 'device' : 'caller',
    keyId: key.id,
    agent: JSON.stringify(agent),
    input: JSON.stringify(input),
    config: JSON.stringify(config),
    metadata: JSON.stringify(body.metadata ?? {}),
    deadlineAt: now + (config.deadlineMs ?? LIMITS.defaultDeadlineMs),
    createdAt: now,
  });
  const run = findRun(store, id);
  if (run === undefined) throw new RunmeshError('internal_error', `Run ${id} was not stored.`);
  return run;
}

function findOrCreateThread(
  { store, random, mask }: MeshServices,
  start: { key: KeyRow; body: RunRequest; agent: AgentDefinition; input: InputMessage[]; now: number },
): ThreadRow {
  const { key, body, agent } = start;
  if (body.threadId === undefined) {
    const owner = { orgId: key.orgId, ownerUserId: key.userId, agentId: agent.id };
    const thread = { ...owner, title: titleOf(start.input, mask), executionMode: agent.executionMode };
    return createThread(store, random, thread, start.now);
  }
  const thread = findThread(store, { orgId: key.orgId }, body.threadId);
  if (thread === undefined) throw new RunmeshError('not_found', `There is no thread ${body.threadId}.`);
  if (thread.agentId !== agent.id) {
    throw new RunmeshError('conflict', `Thread ${thread.id} belongs to another agent than ${agent.slug}.`);
  }
  return thread;
}

/** The first words of what the user said, masked before a cut could hide what they are. */
function titleOf(input: InputMessage[], mask: (text: string) => string): string {
  const message = input.find(({ role }) => role === 'user') ?? input[0];
  const text = message === undefined ? '' : textOf(message);
  const first = mask(text.slice(0, READ_UNITS)).trim().split(/\s+/);
  return first.slice(0, TITLE_WORDS).join(' ').slice(0, TITLE_LENGTH);
}

function hashOf(body: RunRequest): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex');
}

/** A prompt may be megabytes. */
const READ_UNITS = 10_000;
const TITLE_WORDS = 10;
const TITLE_LENGTH = 80;
