import type { AnswerHere } from '../../daemon/here.ts';
import { getConfig } from '../../device/config.ts';
import { isRunmeshError, messageOf, RunmeshError } from '../../kit/errors.ts';
import type { ApprovalAnswer } from '../../protocol/approvals.ts';
import type { RunRequest } from '../../protocol/run-api.ts';
import { createOwnerAsker } from '../caller/ask-owner.ts';
import { followRun } from '../caller/follow-run.ts';
import { callMesh, dataOf, type MeshAccess, readMeshUrl } from '../caller/mesh-client.ts';
import type { CliContext } from '../context.ts';
import { networkOf, pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { type RunFrame, RunRenderer } from '../render/run-renderer.ts';

export interface RunCommandOptions {
  mesh?: string;
  key?: string;
  thread?: string;
  workspace?: string;
  maxTurns?: number;
  here?: boolean;
  insecure?: boolean;
}

export async function runCommand(
  context: CliContext,
  output: Output,
  agent: string,
  prompt: string,
  options: RunCommandOptions,
): Promise<number> {
  const request: RunRequest = {
    agent,
    prompt,
    ...(options.thread !== undefined && { threadId: options.thread }),
    ...(options.maxTurns !== undefined && { config: { maxTurns: options.maxTurns } }),
    ...(options.workspace !== undefined && { metadata: { workspace: options.workspace } }),
  };
  const record = options.here
    ? await runHere(context, output, request)
    : await runOnMesh(context, output, request, await accessOf(context, options));
  output.tell(orderRecord(record));
  output.say(output.paint('dim', `run ${record.runId} · thread ${record.threadId}`));
  return record.status === 'completed' ? 0 : 1;
}

/** Follows a run of a mesh; Ctrl-C asks the mesh to cancel it, a second one leaves it. */
export async function runOnMesh(
  context: CliContext,
  output: Output,
  request: RunRequest,
  mesh: MeshAccess,
): Promise<Record<string, unknown>> {
  const show = shower(context, output);
  let runId: string | undefined;
  let asked = false;
  const forget = context.onSignal(() => {
    if (asked || runId === undefined) context.leave(1);
    asked = true;
    output.note('Cancelling the run; once more leaves it as it is.');
    callMesh(mesh, 'POST', `/v1/run/${runId}/cancel`).catch((error) => output.note(messageOf(error)));
  });
  try {
    await followRun({
      mesh,
      request,
      clock: context.clock,
      random: context.random,
      signal: context.unread,
      onRun: (run) => {
        runId = run.runId;
        sayIfWaiting(mesh, run.runId, output).catch(() => {});
      },
      onFrame: show,
    });
    return await dataOf(await callMesh(mesh, 'GET', `/v1/run/${runId}`));
  } finally {
    forget();
  }
}

/** A run whose device is away is silent for as long as that lasts. */
async function sayIfWaiting(mesh: MeshAccess, runId: string, output: Output): Promise<void> {
  const { status, deviceOnline } = await dataOf(await callMesh(mesh, 'GET', `/v1/run/${runId}`));
  if (status !== 'registered' || deviceOnline !== false) return;
  output.note('The device is offline; the run waits for it and starts by itself. Ctrl-C cancels it.');
}

/** Executes the run on this device: by its daemon where one runs, else in this process. */
async function runHere(
  context: CliContext,
  output: Output,
  request: RunRequest,
): Promise<Record<string, unknown>> {
  const asks = context.canAsk && output.screen.isTTY === true && !output.json;
  const show = shower(context, output, asks);
  const { frames, cancel, answer } = await startHere(context, request, asks);
  const asker = asks ? createOwnerAsker(context, output, answer) : undefined;
  let runId: string | undefined;
  let asked = false;
  const forget = context.onSignal(() => {
    if (asked || runId === undefined) context.leave(1);
    asked = true;
    output.note('Cancelling the run; once more leaves at once.');
    cancel(runId ?? '').catch((error) => output.note(messageOf(error)));
  });
  try {
    let record: Record<string, unknown> | undefined;
    for await (const frame of frames) {
      if (frame.type === 'record') record = frame.record as Record<string, unknown>;
      else show(frame as RunFrame);
      asker?.take(frame as RunFrame);
      if (typeof frame.runId === 'string') runId = frame.runId;
    }
    if (record === undefined)
      throw new RunmeshError('run_lost', 'The run did not tell its end; see `runmesh runs`.');
    return record;
  } finally {
    asker?.end();
    forget();
  }
}

interface HereRun {
  frames: AsyncIterable<Record<string, unknown>>;
  /** Asks the run to end; its frames go on until it has. */
  cancel(runId: string): Promise<void>;
  /** Answers a question of the run; in words, why it did not count. */
  answer(approvalId: string, answer: ApprovalAnswer): Promise<string | undefined>;
}

async function startHere(context: CliContext, request: RunRequest, asks: boolean): Promise<HereRun> {
  const { connectControl } = await import('../../control/client.ts');
  const client = connectControl(pathsOf(context).socket);
  try {
    await client.status();
    const answer: HereRun['answer'] = (id, given) =>
      client.answerApproval(id, given).then(() => undefined, messageOf);
    return { frames: client.here(request, context.unread), cancel: client.cancel, answer };
  } catch (error) {
    if (!isRunmeshError(error, 'daemon_not_running')) throw error;
  }
  const { runHere: runInProcess } = await import('../../daemon/here.ts');
  const stop = new AbortController();
  let answerHere: AnswerHere | undefined;
  const onAnswerable = (given: AnswerHere) => {
    answerHere = given;
  };
  return {
    frames: runInProcess(context, request, stop.signal, asks ? onAnswerable : undefined),
    cancel: async () => stop.abort(),
    answer: async (id, given) => {
      const result = answerHere?.(id, given, 'cli');
      return result?.status === 'refused' ? result.message : undefined;
    },
  };
}

function shower(context: CliContext, output: Output, asksHere = false): (frame: RunFrame) => void {
  if (output.json) return (frame) => output.tell(frame);
  const renderer = new RunRenderer(context.stdout, output.paint, { asksHere });
  return (frame) => renderer.show(frame);
}

async function accessOf(context: CliContext, options: RunCommandOptions): Promise<MeshAccess> {
  const linked = linkedMesh(context);
  const url = options.mesh ?? context.env.RUNTOOLS_API_URL ?? linked?.url;
  const apiKey = options.key ?? context.env.RUNTOOLS_API_KEY;
  if (url === undefined) {
    throw new RunmeshError(
      'mesh_missing',
      'Which mesh? Give --mesh URL, set RUNTOOLS_API_URL, or link this device.',
    );
  }
  if (apiKey === undefined) {
    throw new RunmeshError(
      'key_missing',
      'An API key is needed: give --key, or set RUNTOOLS_API_KEY. `runmesh mesh` prints its own.',
    );
  }
  // A mesh that this device was linked to so is one its owner agreed to.
  const insecure = options.insecure ?? (url === linked?.url && linked?.insecure === true);
  return { url: readMeshUrl(url, insecure), apiKey, fetch: (await networkOf(context)).fetch };
}

function linkedMesh(context: CliContext): { url: string; insecure?: boolean } | undefined {
  return getConfig(pathsOf(context), 'mesh') as { url: string; insecure?: boolean } | undefined;
}

/** The contract's fields first, in its order. */
export function orderRecord(record: Record<string, unknown>): Record<string, unknown> {
  const first = Object.fromEntries(RECORD_FIELDS.map((name) => [name, record[name] ?? null]));
  return { ...first, ...record };
}

const RECORD_FIELDS = [
  'runId',
  'threadId',
  'rolloutId',
  'executionMode',
  'targetDeviceId',
  'status',
  'result',
  'usage',
  'iterations',
] as const;
