import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasOpenssl, makeCertificate, WITHOUT_OPENSSL } from '../support/certificates.ts';
import { CliWorld } from './harness.ts';

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answers = (status: number, body: unknown) =>
  listen(
    createServer((_request, response) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      response.writeHead(status, { connection: 'close' }).end(text);
    }),
  );

/** What a person reads who links to this address; the whole of it. */
async function linkTo(url: string): Promise<string> {
  const world = new CliWorld();
  expect(await world.run('link', '--no-browser', '--mesh', url)).toBe(1);
  expect(world.out).toBe('');
  return world.err;
}

const STARTED = {
  code: 'ABCDEF',
  url: 'http://127.0.0.1/devices/link',
  expiresAt: '2026-11-24T00:00:00.000Z',
};

describe('linking to what is not a mesh', () => {
  it.each([
    ['a page', 200, '<html>Welcome</html>', /status 200/],
    ['nothing', 404, '', /status 404/],
    ['other JSON', 200, { ok: true }, /status 200/],
    ['an envelope with nothing in it', 200, { data: {} }, /\(code: /],
    [
      'a page that is no page',
      200,
      { data: { ...STARTED, url: 'file:///Applications/Evil.app' } },
      /\(url: /,
    ],
    ['a code that lasts until "soon"', 200, { data: { ...STARTED, expiresAt: 'soon' } }, /\(expiresAt: /],
  ])('says so of one that answers %s', async (_what, status, body, says) => {
    const said = await linkTo(`http://${await answers(status, body)}`);
    expect(said).toMatch(
      /^error http:\/\/127\.0\.0\.1:\d+ does not answer like a mesh .*Check the address.*\n$/,
    );
    expect(said).toMatch(says);
  });

  it('says so too where it goes wrong only once the code is shown', async () => {
    const once: RequestListener = (request, response) => {
      const data = request.url?.endsWith('/start') ? STARTED : { status: 'perhaps' };
      response.writeHead(200, { connection: 'close' }).end(JSON.stringify({ data }));
    };
    const world = new CliWorld();
    const url = `http://${await listen(createServer(once))}`;
    expect(await world.run('link', '--no-browser', '--mesh', url)).toBe(1);
    expect(world.err).toMatch(/^error .*does not answer like a mesh \(status: .*\n$/);
  });

  it('says what to do where nobody answers, or in another language', async () => {
    const server = createPlainServer();
    const closed = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await linkTo(`http://${closed}`)).toMatch(/nothing listens there\. Start the mesh, or check/);
    expect(await linkTo('https://no-such-host.invalid')).toMatch(/its name is not known here/);
    expect(await linkTo(`https://${await answers(200, {})}`)).toMatch(/does not speak TLS\. .*is it http/);
    const cutter = createPlainServer((socket) => socket.on('data', () => socket.destroy()));
    expect(await linkTo(`http://${await listen(cutter)}`)).toMatch(/cannot be reached: .*Check the address/);
  });

  it.skipIf(!hasOpenssl)(
    `names the setting for a certificate that is not trusted${WITHOUT_OPENSSL}`,
    async () => {
      const { cert, key } = makeCertificate('127.0.0.1');
      const said = await linkTo(`https://${await listen(createTlsServer({ cert, key }))}`);
      expect(said).toMatch(/certificate is not trusted.*network\.caFile/);
    },
  );
});
