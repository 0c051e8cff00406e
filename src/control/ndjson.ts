import { codeOf, messageOf } from '../kit/errors.ts';

/**
 * Answers with an iterable's values, a line of JSON each. A failure becomes the last line, since the head has left by
 * then. `open`'s signal aborts when the reader leaves.
 */
export function ndjsonResponse(open: (signal: AbortSignal) => AsyncIterable<unknown>): Response {
  const gone = new AbortController();
  const lines = encodeLines(open(gone.signal));
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => {
      gone.abort();
      await lines.return(undefined);
    },
  });
  return new Response(body, { headers: { 'Content-Type': 'application/x-ndjson' } });
}

async function* encodeLines(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  const encode = (value: unknown) => encoder.encode(`${JSON.stringify(value)}\n`);
  try {
    for await (const value of values) yield encode(value);
  } catch (error) {
    yield encode({ type: 'error', code: codeOf(error), message: messageOf(error) });
  }
}

/** The lines of a stream of bytes, parsed. A last line that was cut off is left out: its end was never said. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}
