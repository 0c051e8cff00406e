import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ChatRequest {
  messages: { role: string; content?: unknown; tool_calls?: unknown[] }[];
}

/** What the model says to one request: text, calls, or whatever `raw` writes itself. */
export interface ChatAnswer {
  text?: string;
  calls?: { name: string; args: unknown }[];
  /** Milliseconds between words. */
  wordMs?: number;
  raw?: (response: ServerResponse) => void;
}

/**
 * A model of the test's own behind the chat-completions protocol: for what a fixture cannot say (slow words, cut
 * streams, answers that depend on the count of results). Answers the address to configure.
 */
export async function startChatModel(
  answer: (request: ChatRequest, count: number, headers: IncomingHttpHeaders) => ChatAnswer,
) {
  let count = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    count += 1;
    await say(response, answer(JSON.parse(body) as ChatRequest, count, request.headers), count);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}/v1`, requests: () => count };
}

/** How many results of tools the model has been given. */
export function resultsIn({ messages }: ChatRequest): number {
  return messages.filter((message) => message.role === 'tool').length;
}

async function say(
  response: ServerResponse,
  { text = '', calls = [], wordMs = 0, raw }: ChatAnswer,
  count: number,
) {
  if (raw !== undefined) {
    raw(response);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = (delta: unknown, finish_reason: string | null = null) =>
    response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  for (const word of text.match(/\S+\s*/g) ?? []) {
    write({ content: word });
    if (wordMs > 0) await new Promise((resolve) => setTimeout(resolve, wordMs));
  }
  for (const [index, { name, args }] of calls.entries()) {
    const called = { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) };
    write({ tool_calls: [{ index, id: `call_${count}_${index}`, type: 'function', function: called }] });
  }
  write({}, calls.length > 0 ? 'tool_calls' : 'stop');
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
  response.end(`data: ${JSON.stringify({ id: 'c', choices: [], usage })}\n\ndata: [DONE]\n\n`);
}
