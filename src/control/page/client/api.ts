import { isRunmeshError, RunmeshError } from '../../../kit/errors.ts';
import type { StreamLine } from '../../contract.ts';
import { readLines } from '../../ndjson.ts';

/** The daemon as the page asks it. Calls throw `page_closed`, `daemon_unreachable`, or what the daemon refused with. */
export interface Api {
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  post(path: string, body?: unknown): Promise<void>;
  /** Ends without a fuss when `signal` aborts. */
  stream(path: string, signal: AbortSignal): AsyncGenerator<StreamLine>;
}

export function createApi(session: string): Api {
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response;
    try {
      const headers = { Authorization: `Bearer ${session}`, ...init.headers };
      response = await fetch(`/api${path}`, { ...init, headers });
    } catch (error) {
      throw new RunmeshError('daemon_unreachable', 'The daemon does not answer.', { cause: error });
    }
    if (response.ok) return response;
    if (response.status === 401) throw new RunmeshError('page_closed', 'This page is closed.');
    throw await refusalOf(response);
  };
  return {
    get: async (path, signal) => (await call(path, signal === undefined ? {} : { signal })).json(),
    post: async (path, body = {}) => {
      const headers = { 'Content-Type': 'application/json' };
      await call(path, { method: 'POST', headers, body: JSON.stringify(body) });
    },
    stream: async function* (path, signal) {
      try {
        const { body } = await call(path, { signal });
        if (body === null) return;
        for await (const line of readLines(chunksOf(body))) yield line as StreamLine;
      } catch (error) {
        if (signal.aborted) return;
        if (isRunmeshError(error)) throw error;
        throw new RunmeshError('daemon_unreachable', 'The daemon does not answer.', { cause: error });
      }
    },
  };
}

async function refusalOf(response: Response): Promise<RunmeshError> {
  const answer = (await response.json().catch(() => undefined)) as
    | { error?: { code: string; message: string } }
    | undefined;
  const { code, message } = answer?.error ?? {
    code: 'bad_answer',
    message: `The daemon answered with status ${response.status}.`,
  };
  return new RunmeshError(code, message);
}

/** Not every browser lets a stream be read by `for await`. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
