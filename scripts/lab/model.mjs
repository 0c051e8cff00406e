import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The scripted model: chat completions over HTTP, whose every answer follows from the conversation it is sent alone, so
 * that it can be asked again by a daemon that was killed. An order is the last user message that is one:
 * `{ lab: "c7a", steps: [{ say, wordMs, calls: [{ name, args }] }], end, endWordMs }`. `onAsked(life, run)` hears of
 * each request before it is answered.
 */
export async function startModel(onAsked) {
  const server = createServer((request, response) => {
    answer(request, response, onAsked).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request, response, onAsked) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { messages } = JSON.parse(body);
  const at = messages.findLastIndex((message) => orderIn(message) !== undefined);
  const order = orderIn(messages[at]);
  const since = messages.slice(at + 1);
  const life = /life-(\d+)/.exec(request.headers.authorization ?? '')?.[1];
  onAsked(Number(life), order.lab);
  const { index, step } = nextStep(order, since);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const say = (delta, finish_reason = null) =>
    response.write(`data: ${JSON.stringify({ id: 'l', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  for (const piece of piecesOf(step.say)) {
    say({ content: piece });
    if (step.wordMs > 0) await delay(step.wordMs);
  }
  for (const [n, { id, name, args }] of (step.calls ?? []).entries()) {
    const called = { name, arguments: JSON.stringify(filledIn(args, since)) };
    say({ tool_calls: [{ index: n, id, type: 'function', function: called }] });
  }
  say({}, step.calls === undefined ? 'stop' : 'tool_calls');
  // Different in each step, so that a step counted twice or not at all shows in the sum.
  const usage = { prompt_tokens: 100 + 2 ** index, completion_tokens: 10 + index };
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  response.end(`data: ${JSON.stringify({ id: 'l', choices: [], usage })}\n\ndata: [DONE]\n\n`);
}

function orderIn(message) {
  if (message?.role !== 'user') return undefined;
  const { content } = message;
  const text = typeof content === 'string' ? content : content.map((part) => part.text).join('');
  return text.startsWith('{"lab":') ? JSON.parse(text) : undefined;
}

/** The step that has not all its results yet, or the end. */
function nextStep(order, since) {
  let left = since.filter((message) => message.role === 'tool').length;
  for (const [index, step] of order.steps.entries()) {
    if (left === 0) return { index, step };
    left -= step.calls.length;
    if (left < 0) throw new Error(`${order.lab}: the model was asked before all its calls had an answer`);
  }
  return { index: order.steps.length, step: { say: order.end, wordMs: order.endWordMs } };
}

/** `$SESSION` is the session a result last spoke of. */
function filledIn(args, since) {
  const spoken = since
    .filter((message) => message.role === 'tool')
    .flatMap(({ content }) => /session ID (\d+)/.exec(textOf(content))?.[1] ?? []);
  return args.session_id === '$SESSION' ? { ...args, session_id: Number(spoken.at(-1) ?? 1) } : args;
}

function textOf(content) {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** Pieces as models cut them: at any place, but for the middle of a character. */
function piecesOf(text) {
  return text.match(/.{1,7}/gsu) ?? [];
}
