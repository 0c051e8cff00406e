// The bare relay's middle: what comes over the WebSocket goes out as SSE.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

let device;
let caller;
const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  caller = response;
  device.send(body);
});
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  device = socket;
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === 'end') caller.end();
    else caller.write(`event: delta\ndata: ${JSON.stringify(frame)}\n\n`);
  });
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
