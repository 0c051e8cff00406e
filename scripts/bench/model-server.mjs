// A model on loopback that costs nothing: it speaks OpenAI's chat completions as a stream and does what the last user
// message asks for in JSON. `{"turns":50,"cmd":"true"}` calls one command a turn; `{"deltas":20000,"text":"word "}` streams.
import { createServer } from 'node:http';

export async function startModelServer() {
  const requests = [];
  const server = createServer(async (request, response) => {
    requests.push(performance.timeOrigin + performance.now());
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await answer(JSON.parse(body), response);
    response.end('data: [DONE]\n\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    /** Epoch milliseconds of each request's arrival. */
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer({ messages }, response) {
  const asked = messages.findLast((message) => message.role === 'user');
  const text =
    typeof asked.content === 'string' ? asked.content : asked.content.map((part) => part.text).join('');
  const order = JSON.parse(text);
  const say = (delta, finish_reason = null) =>
    response.write(`data: ${JSON.stringify({ id: 'b', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  const done = messages.filter((message) => message.role === 'tool').length;
  if (order.turns !== undefined && done < order.turns) {
    const call = { name: 'exec_command', arguments: JSON.stringify({ cmd: order.cmd }) };
    say({
      role: 'assistant',
      tool_calls: [{ index: 0, id: `call_${done}`, type: 'function', function: call }],
    });
    say({}, 'tool_calls');
  } else {
    for (let n = 0; n < (order.deltas ?? 1); n += 1) {
      // Waits for the reader, as any server does: what is measured is the relay, not a buffer.
      if (!say({ content: order.text ?? 'done' }))
        await new Promise((resolve) => response.once('drain', resolve));
    }
    say({}, 'stop');
  }
  const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
  response.write(`data: ${JSON.stringify({ id: 'b', choices: [], usage })}\n\n`);
}
