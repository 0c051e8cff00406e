import type { Journal } from '../journal/journal.ts';
import type { RunCursor } from '../journal/list-cursors.ts';
import { RunmeshError } from '../kit/errors.ts';
import { postJson } from '../kit/post-json.ts';
import { type ErrorCode, errorEnvelope } from '../protocol/errors.ts';
import type { DeviceEvent } from '../protocol/events.ts';
import { appendAnswer } from '../protocol/threads.ts';

export interface HttpAccess {
  meshUrl: string;
  apiKey: string;
  fetch: typeof fetch;
}

/**
 * Appends events to a run's thread over HTTP, under the same numbers as on the socket, so that what was appended already
 * is recognised. Answers the last runSequence the mesh has. Throws `RunmeshError`, which is `retryable` but where the mesh
 * itself says that it will never take them: a portal's page, a proxy's refusal and an answer that was cut say nothing of the run.
 */
export async function publishOverHttp(
  { meshUrl, apiKey, fetch }: HttpAccess,
  journal: Pick<Journal, 'epoch'>,
  cursor: RunCursor,
  events: readonly DeviceEvent[],
  signal?: AbortSignal,
): Promise<number> {
  const { runId, threadId, rolloutId, attempt } = cursor;
  const { response, answer } = await postJson({
    fetch,
    url: `${meshUrl}/v1/threads/${encodeURIComponent(threadId)}/events`,
    body: { events, runId, rolloutId, journalEpoch: journal.epoch, attempt },
    headers: { authorization: `Bearer ${apiKey}` },
    withinMs: REQUEST_MS,
    signal,
  }).catch((error) => {
    throw new RunmeshError('mesh_unreachable', `The mesh at ${meshUrl} cannot be reached.`, {
      cause: error,
      retryable: true,
    });
  });
  const appended = appendAnswer.safeParse((answer as { data?: unknown } | null | undefined)?.data);
  if (response.ok && appended.success) return appended.data.ackedRunSequence;
  const failure = errorEnvelope.safeParse(answer);
  if (response.ok || !failure.success) {
    const said = `${meshUrl} does not answer like a mesh (status ${response.status}).`;
    throw new RunmeshError('not_a_mesh', said, { retryable: true });
  }
  const { code, message } = failure.data.error;
  throw new RunmeshError(code, `The mesh refused events of run ${runId}: ${message}`, {
    retryable: !FINAL_CODES.has(code),
  });
}

const REQUEST_MS = 30_000;
/** What is wrong is the run or its events, whoever asks and whenever. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'bad_request',
  'not_found',
  'conflict',
  'sequence_conflict',
  'stale_attempt',
  'run_ended',
  'payload_too_large',
] satisfies ErrorCode[]);
