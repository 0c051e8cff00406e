import { createParser } from 'eventsource-parser';

/** Reads an SSE answer to its end; `onEvent` gets `{ event, data }`. */
export async function readSse(response, onEvent) {
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  const parser = createParser({ onEvent });
  const decoder = new TextDecoder();
  for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }));
}
