import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig, setConfig } from '../../src/device/config.ts';
import { openNetwork } from '../../src/device/network.ts';
import { hasOpenssl, makeCertificate, WITHOUT_OPENSSL } from '../support/certificates.ts';
import { House } from '../support/house.ts';

/** A loopback server that keeps what it was told, and answers as the test says. */
async function startWitness(headers: Record<string, string> = {}, status = 200) {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    request.on('data', (chunk: Buffer) => heard.push(chunk.toString())).resume();
    request.on('end', () => response.writeHead(status, headers).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    onTestFinished(() => void socket.destroy());
  });
}

describe('a mesh without TLS on another machine', () => {
  it('80 is not linked to, not run on, and not connected to by a daemon whose config was changed', async () => {
    const house = new House();
    const link = house.command('link', '--mesh', 'http://192.0.2.1', '--json');
    expect(await link.exited).toMatchObject({ code: 1 });
    expect(link.lines.at(-1)).toMatchObject({ code: 'mesh_url_insecure' });
    const run = house.command(
      'run',
      'worker',
      'x',
      '--mesh',
      'http://192.0.2.1',
      '--key',
      'rt_test_x',
      '--json',
    );
    expect(await run.exited).toMatchObject({ code: 1 });
    expect(run.lines.at(-1)).toMatchObject({ code: 'mesh_url_insecure' });

    await house.startMesh();
    await house.link();
    const pin = readConfig(configOf(house)).mesh;
    setConfig(configOf(house), 'mesh', { ...pin, url: pin?.url.replace('127.0.0.1', 'mesh.example') });
    const daemon = house.command('daemon', '--json');
    expect(await daemon.exited).toMatchObject({ code: 1 });
    expect(daemon.lines.at(-1)).toMatchObject({ code: 'mesh_url_insecure' });
  }, 40_000);

  it('80 does not come to be: off loopback it listens with TLS, or says what it means', async () => {
    const house = new House();
    const refused = async (...args: string[]) => {
      const mesh = house.command(
        'mesh',
        '--port',
        '47809',
        '--data',
        join(house.dir, 'mesh'),
        '--json',
        ...args,
      );
      const { code } = await mesh.exited;
      return [code, mesh.lines.at(-1)?.code];
    };
    expect(await refused('--host', '0.0.0.0')).toEqual([1, 'public_url_missing']);
    expect(await refused('--host', '0.0.0.0', '--public-url', 'https://mesh.example')).toEqual([
      1,
      'listen_insecure',
    ]);
    expect(await refused('--host', '::', '--public-url', 'https://mesh.example')).toEqual([
      1,
      'listen_insecure',
    ]);
    expect(await refused('--public-url', 'http://mesh.example')).toEqual([1, 'listen_insecure']);
    expect(await refused('--public-url', 'mesh.example')).toEqual([2, 'usage']);
    expect(await refused('--tls-cert', '/etc/hostname')).toEqual([2, 'usage']);
    expect(await refused('--tls-cert', '/none', '--tls-key', '/none')).toEqual([1, 'tls_unreadable']);
    expect(await refused('--tls-cert', '/etc/hostname', '--tls-key', '/etc/hostname')).toEqual([
      1,
      'tls_invalid',
    ]);
    expect(await answers(47_809)).toBe(false);
  }, 60_000);
});

describe('TLS', () => {
  it.skipIf(!hasOpenssl)(
    `80 is spoken by the mesh itself; a certificate of another CA or for another name links nothing${WITHOUT_OPENSSL}`,
    async () => {
      const house = new House();
      const right = makeCertificate('127.0.0.1');
      const wrongName = makeCertificate('mesh.example');
      const start = async ({ certFile, keyFile }: typeof right) => {
        await house.mesh?.kill();
        await house.startMesh('--tls-cert', certFile, '--tls-key', keyFile);
        return `https://127.0.0.1:${house.meshPort}`;
      };
      const refusedLink = async (mesh: string) => {
        const link = house.command('link', '--mesh', mesh, '--json');
        const { code } = await link.exited;
        return [code, link.lines.some(({ type }) => type === 'link_code')];
      };
      expect(await refusedLink(await start(right))).toEqual([1, false]);
      await house.configure('network.caFile', wrongName.caFile);
      expect(await refusedLink(await start(wrongName))).toEqual([1, false]);
      expect(await refusedLink((await start(right)).replace('https', 'http'))).toEqual([1, false]);

      const url = await start(right);
      await house.configure('network.caFile', right.caFile);
      const link = house.command('link', '--mesh', url, '--json');
      const { code } = await link.line('link_code');
      const network = await openNetwork({ network: { caFile: right.caFile } }, {});
      const approved = await network.fetch(`${url}/v1/runmesh/devices/link/approve`, {
        method: 'POST',
        headers: { authorization: `Bearer ${house.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      });
      expect(approved.status).toBe(200);
      await link.line('linked');
      await house.startDaemon();

      // Whoever takes its place on the way has another certificate, and hears nothing.
      await house.mesh?.kill();
      const heard: string[] = [];
      const thief = createTlsServer(makeCertificate('127.0.0.1'), (request) =>
        heard.push(String(request.url)),
      );
      thief.on('upgrade', (request) => heard.push(String(request.url)));
      await new Promise<void>((resolve) => thief.listen(house.meshPort, '127.0.0.1', resolve));
      onTestFinished(() => void thief.close());
      let tries = 0;
      thief.on('tlsClientError', () => {
        tries += 1;
      });
      await expect.poll(() => tries, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(heard).toEqual([]);
    },
    120_000,
  );
});

describe('a redirect', () => {
  it('61 carries no key and no word of a run to where it leads', async () => {
    const target = await startWitness();
    for (const status of [301, 302, 303, 307, 308]) {
      const hop = await startWitness({ location: `${target.url}/stolen` }, status);
      const { fetch } = await openNetwork({ network: {} }, {});
      const call = fetch(`${hop.url}/v1/run`, {
        method: 'POST',
        headers: { authorization: 'Bearer rt_test_secret', 'x-api-key': 'sk-secret' },
        body: 'what a run said',
      });
      await expect(call).rejects.toThrow();
      expect(hop.heard.length).toBeGreaterThan(0);
    }
    expect(target.heard).toEqual([]);
  });

  it('61 of a model’s endpoint ends the run, and the provider’s key stays here', async () => {
    const target = await startWitness();
    const hop = await startWitness({ location: `${target.url}/chat/completions` }, 307);
    const house = await House.withModel(hop.url, {}, { TEST_KEY: 'sk-secret-of-the-owner' });
    const provider = { type: 'openai-compatible', baseUrl: hop.url, apiKeyEnv: 'TEST_KEY' };
    await house.configure('models.providers.other', JSON.stringify(provider));
    await house.configure('models.maxRetries', '0');
    house.daemon?.signal('SIGTERM');
    await house.daemon?.exited;
    await house.startDaemon();
    await house.agent({ model: 'other/model' });
    const record = await house.post('/v1/run', { agent: 'worker', prompt: 'x', stream: false });
    expect(record.status).toBe('failed');
    expect(hop.heard.join()).toContain('sk-secret-of-the-owner');
    expect(target.heard).toEqual([]);
  }, 60_000);
});

describe('a mesh that names itself after another', () => {
  it('68 has the device sign for the address its owner typed, and for no other', async () => {
    const node = {
      deviceId: 'dev_of_the_victim',
      orgId: 'org',
      label: 'x',
      meshOrigin: 'https://api.runtools.ai',
      meshEpoch: 'epoch',
    };
    const answers: Record<string, unknown> = {
      start: {
        code: 'ABCDEF',
        url: 'http://127.0.0.1/x',
        expiresAt: new Date(Date.now() + 60_000).toISOString(),
      },
      poll: { status: 'approved', node, apiKey: `rt_test_${'x'.repeat(32)}` },
    };
    const liar = createServer((request, response) => {
      request.resume().on('end', () => {
        const data = answers[request.url?.split('/').at(-1) ?? ''];
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
      });
    });
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void liar.close());
    const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    const house = new House();
    const link = house.command('link', '--mesh', url, '--json');
    await link.line('linked');
    expect(readConfig(configOf(house)).mesh).toMatchObject({ url, origin: url });
  }, 40_000);
});

function configOf(house: House): { config: string } {
  return { config: join(house.dir, 'device', 'config.json') };
}
