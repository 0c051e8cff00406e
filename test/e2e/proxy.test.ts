import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemProgram } from '../../src/leash/system-program.ts';
import { hasOpenssl, makeCertificate, WITHOUT_OPENSSL } from '../support/certificates.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { noSandbox } from '../support/policies.ts';

const HOST = 'mesh.company.example';

/** Ends TLS before a plain port, as a company's load balancer does. */
async function startTls(certificate: { key: Buffer; cert: Buffer }, port: () => number): Promise<number> {
  const server = createServer(certificate, (socket) => {
    const onward = connect(port(), '127.0.0.1');
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('a device behind a company’s proxy', () => {
  it.skipIf(!hasOpenssl)(
    `links, connects and runs through it, trusting the company’s CA${WITHOUT_OPENSSL}`,
    async () => {
      const certificate = makeCertificate(HOST);
      const house = new House();
      let meshPort = 0;
      const tlsPort = await startTls(certificate, () => meshPort);
      const proxy = await startConnectProxy({ [HOST]: tlsPort }, 'user:secret');
      await house.startMesh('--public-url', `https://${HOST}`);
      meshPort = house.meshPort;
      await house.configure('network.proxy', proxy.url.replace('//', '//user:secret@'));
      const distrusting = house.command('link', '--mesh', `https://${HOST}`, '--json');
      expect(await distrusting.exited).toMatchObject({ code: 1 });
      await house.configure('network.caFile', certificate.caFile);
      await house.link(`https://${HOST}`);
      const model = await startChatModel(() => ({ text: 'Through.' }));
      const provider = { type: 'openai-compatible', baseUrl: model.baseUrl };
      await house.configure('models.providers.test', JSON.stringify(provider));
      await house.startDaemon();
      await house.agent({ model: 'test/model' });
      const stream = await house.run({ prompt: 'go' });
      await stream.ended;
      expect(stream.payloads('run_completed')).toMatchObject([{ status: 'completed', result: 'Through.' }]);
      expect(new Set(proxy.tunnels)).toEqual(new Set([`${HOST}:443`]));
    },
    60_000,
  );

  const missing =
    noSandbox ??
    (process.platform === 'linux' && systemProgram('socat') === undefined ? 'socat is missing' : undefined);
  it.skipIf(missing !== undefined)(
    `lets a run out through it to the domains of its list, and to no other${missing === undefined ? '' : ` (skipped: ${missing})`}`,
    async () => {
      const site = createHttpServer((_request, response) => response.end('the outside'));
      await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void site.close());
      const { port } = site.address() as AddressInfo;
      const hosts = { 'listed.example.org': port, 'other.example.org': port };
      const proxy = await startConnectProxy(hosts, 'user:s3cret-of-the-proxy');
      const ask = Object.keys(hosts).map((host) => `curl -sS -m 5 --proxytunnel http://${host}/; echo`);
      const cmd = `${ask.join('; ')}; env | grep -i proxy`;
      const model = await startChatModel((request) =>
        resultsIn(request) === 0
          ? { calls: [{ name: 'exec_command', args: { cmd, login: false } }] }
          : { text: 'done' },
      );
      const house = new House();
      await house.startMesh();
      await house.link();
      const provider = { type: 'openai-compatible', baseUrl: model.baseUrl };
      await house.configure('models.providers.test', JSON.stringify(provider));
      await house.configure('network.proxy', proxy.url.replace('//', '//user:s3cret-of-the-proxy@'));
      await house.configure('network.noProxy', 'localhost,127.0.0.1');
      await house.configure('sandbox.network', '["listed.example.org"]');
      await house.startDaemon();
      await house.agent({ model: 'test/model' });
      const stream = await house.run({ prompt: 'go' });
      await stream.ended;
      const [result] = stream.payloads('tool_result');
      expect(result?.text).toContain('the outside');
      expect(String(result?.text).match(/the outside/g)).toHaveLength(1);
      expect(JSON.stringify(stream.frames)).not.toContain('s3cret-of-the-proxy');
      expect(proxy.tunnels).toEqual(['listed.example.org:80']);
    },
    60_000,
  );
});
