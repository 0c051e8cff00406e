// The bare relay's far end: the model's stream goes out over the WebSocket, a frame a delta.
import { WebSocket } from 'ws';
import { readSse } from '../support/sse.mjs';

const [port, model] = process.argv.slice(2);
const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
socket.on('open', () => process.send({ ready: true }));
socket.on('message', async (data) => {
  const response = await fetch(`${model}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: String(data) }] }),
  });
  let offset = 0;
  await readSse(response, (event) => {
    const text = event.data === '[DONE]' ? undefined : JSON.parse(event.data).choices[0]?.delta.content;
    if (text === undefined) return;
    socket.send(JSON.stringify({ type: 'delta', offset, text }));
    offset += text.length;
  });
  socket.send(JSON.stringify({ type: 'end' }));
});
