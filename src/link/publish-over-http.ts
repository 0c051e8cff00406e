import type { Journal } from '../journal/journal.ts';
import type { RunCursor } from '../journal/list-cursors.ts';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { errorEnvelope } from '../protocol/errors.ts';
import type { DeviceEvent } from '../protocol/events.ts';
import { appendAnswer } from '../protocol/threads.ts';

export interface HttpAccess {
  meshUrl: string;
  apiKey: string;
  fetch: typeof fetch;
}

/**
 * Appends events to a run's thread over HTTP, under the same numbers as on the socket, so that what was appended already
 * is recognised. Answers the last runSequence the mesh has. Throws `RunmeshError`; `retryable` says whether to go on.
 */
export async function publishOverHttp(
  { meshUrl, apiKey, fetch }: HttpAccess,
  journal: Pick<Journal, 'epoch'>,
  cursor: RunCursor,
  events: readonly DeviceEvent[],
): Promise<number> {
  const { runId, threadId, rolloutId, attempt } = cursor;
  let response: Response;
  try {
    response = await fetch(`${meshUrl}/v1/threads/${encodeURIComponent(threadId)}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ events, runId, rolloutId, journalEpoch: journal.epoch, attempt }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
  } catch (error) {
    throw new RunmeshError('mesh_unreachable', `The mesh at ${meshUrl} cannot be reached.`, {
      cause: error,
      retryable: true,
    });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return appendAnswer.parse((body as { data?: unknown }).data).ackedRunSequence;
  const failure = errorEnvelope.safeParse(body);
  const code = failure.success ? failure.data.error.code : codeOf(undefined, 'mesh_error');
  const said = failure.success ? failure.data.error.message : `status ${response.status}`;
  throw new RunmeshError(code, `The mesh refused events of run ${runId}: ${said}`, {
    retryable: response.status === 429 || response.status >= 500,
  });
}

const REQUEST_MS = 30_000;
