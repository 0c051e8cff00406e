import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { House } from '../support/house.ts';
import { startChatModel } from '../support/model-server.ts';
import { tempDir } from '../support/temp.ts';

const HOST = 'mesh.company.example';

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

/** A certificate for `HOST` by a CA of its own. */
function makeCertificate() {
  const dir = tempDir();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const subject = ['-nodes', '-days', '2', '-newkey', 'rsa:2048'];
  openssl('req', '-x509', ...subject, '-subj', '/CN=Company CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl(
    ...['req', '-x509', ...subject, '-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 'host.key', '-out', 'host.pem'],
  );
  return {
    caFile: join(dir, 'ca.pem'),
    key: readFileSync(join(dir, 'host.key')),
    cert: readFileSync(join(dir, 'host.pem')),
  };
}

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
    `links, connects and runs through it, trusting the company’s CA${hasOpenssl ? '' : ' (skipped: openssl is missing)'}`,
    async () => {
      const certificate = makeCertificate();
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
});
