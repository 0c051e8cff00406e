// The floors: the least a program could do for the same work, measured in the same run and on the same machine.
import { fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readSse } from '../support/sse.mjs';

/** A turn without a harness: fetch the model's stream, spawn the command it asks for in the same shell, keep the result. */
export async function bareTurns(model, turns, cmd, env) {
  const messages = [{ role: 'user', content: JSON.stringify({ turns, cmd }) }];
  const began = performance.now();
  for (;;) {
    const calls = await ask(model, messages);
    if (calls.length === 0) break;
    messages.push({ role: 'assistant', tool_calls: calls });
    for (const call of calls) {
      const output = await run(JSON.parse(call.function.arguments).cmd, env);
      messages.push({ role: 'tool', tool_call_id: call.id, content: output });
    }
  }
  return (performance.now() - began) / turns;
}

async function ask(model, messages) {
  const response = await fetch(`${model.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'x', stream: true, messages }),
  });
  const calls = [];
  await readSse(response, ({ data }) => {
    if (data !== '[DONE]') calls.push(...(JSON.parse(data).choices[0]?.delta.tool_calls ?? []));
  });
  return calls;
}

function run(cmd, env) {
  return new Promise((resolve) => {
    const child = spawn('/bin/bash', ['-lc', cmd], { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('close', () => resolve(output));
  });
}

/** The same deltas over the same hops (SSE → WebSocket → SSE, three processes), with nothing done to them. */
export async function bareRelay(model, deltas, text) {
  const relay = fork(fileURLToPath(new URL('./relay-mesh.mjs', import.meta.url)));
  const { port } = await message(relay);
  const device = fork(fileURLToPath(new URL('./relay-device.mjs', import.meta.url)), [
    String(port),
    model.url,
  ]);
  await message(device);
  try {
    let count = 0;
    const response = await fetch(`http://127.0.0.1:${port}/run`, {
      method: 'POST',
      body: JSON.stringify({ deltas, text }),
    });
    const began = performance.now();
    await readSse(response, () => {
      count += 1;
    });
    if (count < deltas) throw new Error(`the bare relay lost deltas: ${count} of ${deltas}`);
    return deltas / ((performance.now() - began) / 1_000);
  } finally {
    device.kill();
    relay.kill();
  }
}

function message(child) {
  return new Promise((resolve) => child.once('message', resolve));
}
