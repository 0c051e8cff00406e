import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getDevUrl } from '../../src/tools/get-dev-url.ts';
import { call, workspaceWith } from './harness.ts';

async function listening(host: string): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  onTestFinished(close);
  return { port: (server.address() as AddressInfo).port, close };
}

describe('get_dev_url', () => {
  it.each(['127.0.0.1', '::1'])('answers the address of a server on %s', async (host) => {
    const { port } = await listening(host);
    const { text } = await call(getDevUrl, workspaceWith(), { port });
    expect(text).toBe(`http://localhost:${port}\nIt is reachable on this computer only.`);
  });

  it('says that nothing listens', async () => {
    const { port, close } = await listening('127.0.0.1');
    await close();
    expect(await call(getDevUrl, workspaceWith(), { port })).toMatchObject({
      isError: true,
      text: expect.stringContaining(`nothing listens on ${port}`),
    });
  });

  it('refuses a port that is none', async () => {
    expect((await call(getDevUrl, workspaceWith(), { port: 70_000 })).text).toContain('"port"');
  });
});
