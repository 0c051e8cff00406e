import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNetwork } from '../../src/device/network.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { tempDir } from '../support/temp.ts';

async function startServer(): Promise<number> {
  const server = createServer((_request, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('the way out of this machine', () => {
  it('is Node’s own where nothing is set', async () => {
    const network = await openNetwork({ network: {} }, {});
    expect(await (await network.fetch(`http://127.0.0.1:${await startServer()}/`)).text()).toBe('here');
    expect(network.socketOptions(new URL('https://mesh.example'))).toEqual({});
  });

  it('leads through the environment’s proxy, and past it for whom NO_PROXY names', async () => {
    const port = await startServer();
    const proxy = await startConnectProxy({ 'mesh.example': port });
    const env = { http_proxy: proxy.url, NO_PROXY: 'direct.example' };
    const network = await openNetwork({ network: {} }, env);
    expect(await (await network.fetch('http://mesh.example/')).text()).toBe('here');
    expect(proxy.tunnels).toEqual(['mesh.example:80']);
    await expect(network.fetch('http://direct.example/')).rejects.toThrow();
    expect(await (await network.fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here');
    expect(proxy.tunnels).toHaveLength(1);
  });

  it('is chosen by the config before the environment, and tells no password', async () => {
    const port = await startServer();
    const proxy = await startConnectProxy({ 'mesh.example': port }, 'user:secret');
    const network = await openNetwork(
      { network: { proxy: proxy.url.replace('//', '//user:secret@') } },
      { HTTP_PROXY: 'http://127.0.0.1:9' },
    );
    expect(await (await network.fetch('http://mesh.example/')).text()).toBe('here');
    expect(network.proxyOf(new URL('http://mesh.example'))).toBe(proxy.url);
  });

  it.each([['socks5://127.0.0.1:1080'], ['proxy.example:3128'], ['nonsense']])(
    'refuses %s as a proxy, saying which setting to mend',
    async (proxy) => {
      await expect(openNetwork({ network: {} }, { HTTPS_PROXY: proxy })).rejects.toThrow(/HTTPS_PROXY/);
    },
  );

  it('refuses a CA file that is none', async () => {
    const caFile = join(tempDir(), 'ca.pem');
    await expect(openNetwork({ network: { caFile } }, {})).rejects.toThrow(/network\.caFile/);
    writeFileSync(caFile, 'no certificate');
    await expect(openNetwork({ network: { caFile } }, {})).rejects.toThrow(/network\.caFile/);
  });
});
