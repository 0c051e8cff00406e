import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deviceConfig } from '../../src/device/config-schema.ts';
import { openNetwork } from '../../src/device/network.ts';
import { devicePaths } from '../../src/device/paths.ts';
import { sleepOnPower } from '../../src/doctor/mac.ts';
import { lookAtMesh } from '../../src/doctor/mesh.ts';
import { findSpawnHelper } from '../../src/doctor/native-modules.ts';
import { lookAtSandbox } from '../../src/doctor/sandbox.ts';
import { lookAtSecrets } from '../../src/doctor/secret-store.ts';
import { lookAtWorkspaces } from '../../src/doctor/workspaces.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { tempDir } from '../support/temp.ts';

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function lookAt(url: string, some: { network?: object; apiKey?: string | null | undefined } = {}) {
  const mesh = { url, origin: url, deviceId: 'dev_1', orgId: 'org_1', meshEpoch: 'e' };
  const config = deviceConfig.parse({ mesh, network: some.network ?? {} });
  const network = await openNetwork(config, {});
  const apiKey = 'apiKey' in some ? some.apiKey : 'rt_live_x';
  return lookAtMesh({ config, network, clock: systemClock, apiKey });
}

function commandExists(name: string): boolean {
  return execaSync(name, ['version'], { reject: false }).code !== 'ENOENT';
}

describe('the way to the mesh', () => {
  it('says which step fails: the account, the name, the connection', async () => {
    expect(await lookAt('http://127.0.0.1:9', { apiKey: undefined })).toMatchObject([{ code: 'not_linked' }]);
    expect(await lookAt('http://no-such-host.invalid')).toMatchObject([{ code: 'mesh_name_unknown' }]);
    expect(await lookAt('http://127.0.0.1:9')).toMatchObject([{ code: 'mesh_unreachable' }]);
  });

  const hasOpenssl = commandExists('openssl');
  it.skipIf(!hasOpenssl)(
    `names TLS as the step that fails${hasOpenssl ? '' : ' (skipped: openssl is missing)'}`,
    async () => {
      const dir = tempDir();
      const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1'];
      const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
      execaSync('openssl', [...request, ...names, '-keyout', key, '-out', cert]);
      const port = await listen(
        createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }) as unknown as Server,
      );
      const [tls] = await lookAt(`https://127.0.0.1:${port}`);
      expect(tls).toMatchObject({ code: 'mesh_tls', todo: expect.stringContaining('network.caFile') });
    },
  );

  it('finds a clock that is wrong, a socket that is refused and a key that is not accepted', async () => {
    const answer: RequestListener = (request, response) => {
      response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
      response.writeHead(request.url?.startsWith('/v1/runmesh/nodes') ? 401 : 200).end('{}');
    };
    const port = await listen(createServer(answer));
    expect(await lookAt(`http://127.0.0.1:${port}`)).toMatchObject([
      { code: 'mesh', severity: 'ok' },
      { code: 'clock_skew', severity: 'warning', says: expect.stringMatching(/3[56]\d\d s behind/) },
      { code: 'websocket_refused', severity: 'fault' },
      { code: 'device_revoked', severity: 'fault', todo: 'runmesh link' },
    ]);
  });

  it('is looked at all the same where the key of the account cannot be read, which is no device without one', async () => {
    const port = await listen(createServer((_, response) => void response.end('{}')));
    const found = await lookAt(`http://127.0.0.1:${port}`, { apiKey: null });
    expect(found.map(({ code }) => code)).toEqual(['mesh', 'clock', 'websocket_refused']);
    expect(await lookAt('http://127.0.0.1:9', { apiKey: null })).toMatchObject([
      { code: 'mesh_unreachable' },
    ]);
  });
});

describe('the place of secrets', () => {
  const paths = devicePaths({ RUNMESH_HOME: '/h' }, 'darwin', '/');

  it('is tried by keeping one, reading it back and taking it away', async () => {
    const held = new Map<string, string>();
    const calls: string[] = [];
    const loadKeychain = async () => ({
      setPassword: async (_service: string, account: string, password: string) => {
        calls.push('set');
        held.set(account, password);
      },
      getPassword: async (_service: string, account: string) => {
        calls.push('get');
        return held.get(account) ?? null;
      },
      deletePassword: async (_service: string, account: string) => {
        calls.push('delete');
        return held.delete(account);
      },
    });
    const found = await lookAtSecrets({ paths, secretStore: 'keychain', loadKeychain });
    expect(found).toMatchObject([{ code: 'keychain', severity: 'ok' }]);
    expect({ calls, left: held.size }).toEqual({ calls: ['set', 'get', 'delete'], left: 0 });
  });

  it('may refuse, and then says what to do', async () => {
    const loadKeychain = () => Promise.reject(new Error('User interaction is not allowed.'));
    const [mac] = await lookAtSecrets({ paths, secretStore: 'keychain', loadKeychain });
    expect(mac).toMatchObject({ severity: 'fault', todo: expect.stringContaining('unlock') });
    const [linux] = await lookAtSecrets({ paths, secretStore: 'secret-service', loadKeychain });
    expect(linux).toMatchObject({ severity: 'fault', todo: expect.stringContaining('D-Bus') });
  });
});

describe('workspaces', () => {
  const world = (folder: string) => ({
    config: deviceConfig.parse({ workspaces: { code: folder } }),
    platform: 'darwin' as const,
    nodeFile: '/opt/homebrew/opt/node/bin/node',
    whyNoRunIn: (_: string): string | undefined => undefined,
  });

  it('are absent, or a file, and that is said', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    expect(await lookAtWorkspaces(world('/no/such'))).toMatchObject([{ code: 'workspace_absent' }]);
    expect(await lookAtWorkspaces(world(file))).toMatchObject([{ code: 'workspace_absent' }]);
  });

  it('that are denied name the program to allow', async () => {
    const dir = tempDir();
    const folder = join(dir, 'closed');
    mkdirSync(folder);
    chmodSync(folder, 0o300);
    chmodSync(dir, 0o755);
    const look = new URL('../../build/doctor/workspaces.js', import.meta.url);
    const script = `const { lookAtWorkspaces } = await import(${JSON.stringify(look)});
      console.log(JSON.stringify(await lookAtWorkspaces(${JSON.stringify(world(folder))})));`;
    // Root is denied nothing, so it looks as somebody else.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const { stdout } = execaSync(process.execPath, ['--input-type=module', '--eval', script], nobody);
    expect(JSON.parse(stdout)).toMatchObject([
      { code: 'workspace_denied', todo: expect.stringContaining('opt/node/bin/node') },
    ]);
  });
});

describe('what else is looked at', () => {
  it('the sandbox is judged by what this device is set to', async () => {
    const look = async (
      sandbox: object,
      { why = '', platform = 'linux', exitCode = 0, socat = true } = {},
    ) => {
      const [found] = await lookAtSandbox({
        platform: platform as NodeJS.Platform,
        config: deviceConfig.parse({ sandbox }),
        whyUnconfined: () => why || undefined,
        systemProgram: (name) => (name === 'socat' && socat ? '/usr/bin/socat' : undefined),
        run: async () => ({ exitCode, stdout: '', stderr: 'sandbox_apply: Operation not permitted' }),
      });
      return `${found?.severity} ${found?.code}: ${found?.says}`;
    };
    const why = 'bubblewrap is not installed.';
    expect(await look({})).toBe('ok sandbox: It holds: workspace-write, no network.');
    expect(await look({}, { why })).toMatch(/^fault sandbox_missing: .*no run is started: bubblewrap/);
    expect(await look({ unavailable: 'run-unsandboxed' }, { why })).toMatch(
      /^warning sandbox_missing: .*all that you may/,
    );
    expect(await look({ mode: 'danger-full-access' }, { why })).toMatch(/^warning sandbox_off: /);
    const network = ['api.example.com'];
    expect(await look({ network })).toContain('1 domain of');
    expect(await look({ network }, { socat: false })).toMatch(/^fault sandbox_proxy_missing: /);
    expect(await look({ network: 'on' }, { socat: false })).toContain('the whole network');
    expect(await look({}, { platform: 'darwin', exitCode: 1 })).toMatch(/^fault .*Operation not permitted/);
  });

  it('the minutes until a Mac on power sleeps are read from pmset', () => {
    const text =
      'Battery Power:\n powernap             0\n sleep                1\n displaysleep         2\nAC Power:\n displaysleep         10\n sleep                15\n womp                 1\n';
    expect(sleepOnPower(text)).toBe(15);
    expect(sleepOnPower(text.replace('15', '0'))).toBe(0);
    expect(sleepOnPower('')).toBeUndefined();
  });

  it('node-pty’s helper is found where its package for this processor has it', () => {
    const dir = tempDir();
    const root = join(dir, 'node_modules', '@lydell', `node-pty-darwin-${process.arch}`);
    expect(findSpawnHelper(join(dir, 'x.js'))).toBeUndefined();
    mkdirSync(join(root, 'prebuilds'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{}');
    writeFileSync(join(root, 'prebuilds', 'spawn-helper'), '');
    expect(findSpawnHelper(join(dir, 'x.js'))).toBe(join(root, 'prebuilds', 'spawn-helper'));
  });
});
