import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { onTestFinished } from 'vitest';

/**
 * A real HTTP proxy on loopback: it tunnels by CONNECT to the local port of each name it knows and refuses the others,
 * and wants `credentials` (`user:password`) where they are given. No name it knows can be resolved, so that whoever
 * reaches one came through here.
 */
export async function startConnectProxy(ports: Record<string, number>, credentials?: string) {
  const tunnels: string[] = [];
  const open = new Set<Duplex>();
  const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket: Duplex) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    const [host = ''] = String(request.url).split(':');
    const port = ports[host];
    if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
      return;
    }
    if (port === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    tunnels.push(String(request.url));
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    open.add(onward);
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tunnels };
}
