import { createRequire } from 'node:module';
import type jsQR from 'jsqr';
import { describe, expect, it } from 'vitest';
import { largeText } from '../../src/cli/render/large-text.ts';
import { linkScreen } from '../../src/cli/render/link-screen.ts';
import { readConfig } from '../../src/device/config.ts';
import { devicePaths } from '../../src/device/paths.ts';
import { openSecrets } from '../../src/device/secrets.ts';
import { openMesh, type TestMesh } from '../mesh/harness.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { CliWorld, fakeTerminal } from './harness.ts';

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const plain = (_format: string, text: string) => text;

async function opened(world: CliWorld) {
  const paths = devicePaths(world.context.env, world.context.platform, world.home);
  const secrets = await openSecrets({ paths, env: world.context.env, platform: world.context.platform });
  return { paths, secrets, pin: () => readConfig(paths).mesh };
}

/** Runs `link` and answers its code as its owner would. */
async function link(world: CliWorld, mesh: TestMesh, args: string[] = [], answer = {}): Promise<number> {
  const before = world.lines.filter(({ type }) => type === 'link_code').length;
  const done = world.run('link', '--json', ...args);
  const code = () => world.lines.filter(({ type }) => type === 'link_code')[before]?.code;
  await expect.poll(code, { timeout: 5_000 }).toBeDefined();
  await mesh.call('POST', '/v1/runmesh/devices/link/approve', { code: code(), ...answer });
  return done;
}

describe('runmesh link', () => {
  it('links the device, and linked again it stays the device it was', async () => {
    const mesh = await openMesh();
    const world = new CliWorld();
    expect(await link(world, mesh, ['--mesh', mesh.url, '--name', 'Desk'])).toBe(0);
    const { pin, secrets } = await opened(world);
    const first = pin()?.deviceId;
    expect(world.lines.at(-1)).toEqual({ type: 'linked', deviceId: first, secretStore: 'file' });
    const [code, key] = [world.lines[0] ?? {}, await secrets.get('privateKey')];
    expect(code).toMatchObject({ type: 'link_code', url: `${mesh.url}/devices/link` });
    // Where it goes needs no saying again, and the mesh keeps one device.
    expect(await link(world, mesh)).toBe(0);
    expect([pin()?.deviceId, await (await opened(world)).secrets.get('privateKey')]).toEqual([first, key]);
    expect((await mesh.call('GET', '/v1/runmesh/nodes')).data).toHaveLength(1);
  });

  it('says that its code expired, and how to get another', async () => {
    const clock = new FakeClock();
    const mesh = await openMesh({ clock });
    const world = new CliWorld();
    const done = world.run('link', '--json', '--mesh', mesh.url);
    await expect.poll(() => world.lines.at(-1)?.type).toBe('link_code');
    await clock.advance(11 * 60_000);
    expect(await done).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({
      code: 'link_expired',
      message: expect.stringContaining('Run `runmesh link` again'),
    });
    expect((await opened(world)).pin()).toBeUndefined();
  });

  it('says no more than what happened when its owner denies it or it is stopped', async () => {
    const mesh = await openMesh();
    const world = new CliWorld();
    expect(await link(world, mesh, ['--mesh', mesh.url], { deny: true })).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({ code: 'link_denied' });
    const stopped = world.run('link', '--json', '--mesh', mesh.url);
    await expect.poll(() => world.lines.at(-1)?.type).toBe('link_code');
    world.interrupt();
    expect(await stopped).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({ code: 'link_cancelled' });
    expect(world.listening).toBe(false);
    expect((await opened(world)).pin()).toBeUndefined();
  });

  it('does not leave one mesh for another behind its back', async () => {
    const [mesh, other] = [await openMesh(), await openMesh()];
    const world = new CliWorld();
    await link(world, mesh, ['--mesh', mesh.url]);
    expect(await world.run('link', '--json', '--mesh', other.url)).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({
      code: 'already_linked',
      message: expect.stringContaining('runmesh unlink'),
    });
    expect(await world.run('unlink', '--json')).toBe(0);
    expect((await opened(world)).secrets.names()).toEqual([]);
    expect((await mesh.call('GET', '/v1/runmesh/nodes')).data).toMatchObject([{ status: 'revoked' }]);
    expect(await link(world, other, ['--mesh', other.url])).toBe(0);
  });

  it('--repair asks for nothing where the secrets can be read, and else for one approval', async () => {
    const mesh = await openMesh();
    const world = new CliWorld();
    expect(await world.run('link', '--repair', '--json')).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({ code: 'not_linked' });
    await link(world, mesh, ['--mesh', mesh.url]);
    const { pin, secrets } = await opened(world);
    const deviceId = pin()?.deviceId;
    expect(await world.run('link', '--repair', '--json')).toBe(0);
    expect(world.lines.at(-1)).toEqual({ type: 'repaired', deviceId });
    await secrets.delete('privateKey');
    expect(await link(world, mesh, ['--repair'])).toBe(0);
    expect(world.lines.at(-1)).toMatchObject({ type: 'linked', deviceId });
    expect((await mesh.call('GET', '/v1/runmesh/nodes')).data).toHaveLength(1);
  });

  it('shows code, key and how long it lasts on a terminal, and clears that line', async () => {
    const mesh = await openMesh();
    const stdout = fakeTerminal({ isTTY: true, columns: 100 });
    const world = new CliWorld({ stdout });
    const done = world.run('link', '--mesh', mesh.url);
    await expect.poll(() => stdout.text).toContain('Ctrl-C stops.');
    expect(stdout.text).toContain(`Approve it at ${mesh.url}/devices/link`);
    expect(stdout.text).toMatch(/the code lasts (9 min 5\d|10 min 0) s/);
    world.interrupt();
    expect(await done).toBe(1);
    expect(stdout.text).toMatch(/\r\x1b\[K$/);
    expect(world.err).toContain('nothing was changed here');
  });
});

describe('opening the page in a browser', () => {
  const columns = 100;
  it.each([
    { where: 'a Mac', platform: 'darwin', env: {}, opens: /^open http.*#[A-Z2-9]{6}$/ },
    { where: 'a desktop', platform: 'linux', env: { DISPLAY: ':0' }, opens: /^xdg-open http/ },
    { where: 'a machine without a display', platform: 'linux', env: {} },
    { where: 'a Mac over SSH', platform: 'darwin', env: { SSH_CONNECTION: '::1 1 ::1 22' } },
    { where: 'a pipe', platform: 'darwin', env: {}, piped: true },
    { where: 'a Mac whose owner wants none', platform: 'darwin', env: {}, args: ['--no-browser'] },
  ] as const)('on $where: $opens', async ({ platform, env, opens, piped, args = [] }: Where) => {
    const mesh = await openMesh();
    const stdout = fakeTerminal(piped ? {} : { isTTY: true, columns });
    const world = new CliWorld({ stdout, platform });
    Object.assign(world.context, { env: { ...world.context.env, ...env } });
    const done = world.run('link', '--mesh', mesh.url, ...args);
    await expect.poll(() => stdout.text).toContain('the code lasts');
    world.interrupt();
    await done;
    if (opens === undefined) expect(world.launched).toEqual([]);
    else expect(world.launched).toEqual([expect.stringMatching(opens)]);
  });
});

interface Where {
  platform: NodeJS.Platform;
  env: Record<string, string>;
  opens?: RegExp;
  piped?: boolean;
  args?: readonly string[];
}

describe('the code on a terminal', () => {
  it('has a drawing of its own for every sign a code may have', () => {
    const drawings = [...ALPHABET].map((sign) => largeText(sign).join('\n'));
    expect(new Set(drawings).size).toBe(ALPHABET.length);
    expect(drawings.every((drawing) => drawing.trim() !== '')).toBe(true);
  });

  it('comes with a QR code that leads to the page with it', () => {
    const shown = {
      code: 'ABC234',
      url: 'https://mesh.example.org/devices/link',
      fingerprint: Array.from({ length: 32 }, () => 'ab').join(':'),
      label: 'Desk\x1b[2J',
      hostname: 'desk.local',
    };
    const lines = linkScreen(shown, 100, plain);
    expect(readQr(lines)).toBe('https://mesh.example.org/devices/link#ABC234');
    expect(lines.join('\n')).not.toContain('\x1b[2J');
    expect(lines.filter((line) => line.includes('ab:ab:ab:ab:ab:ab:ab:ab'))).toHaveLength(4);
    const narrow = linkScreen(shown, 60, plain);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
  });
});

/** Reads the lines as a phone's camera would: as points of black and white, eight by eight each. */
function readQr(lines: string[]): string | undefined {
  const scale = 8;
  const side = lines.length * 2;
  const dark = (x: number, y: number): boolean => {
    const sign = lines[Math.floor(y / 2)]?.[x] ?? ' ';
    return sign === '█' || sign === (y % 2 === 0 ? '▀' : '▄');
  };
  const pixels = new Uint8ClampedArray(side * scale * side * scale * 4).fill(255);
  for (let y = 0; y < side * scale; y += 1) {
    for (let x = 0; x < side * scale; x += 1) {
      if (dark(Math.floor(x / scale), Math.floor(y / scale)))
        pixels.fill(0, (y * side * scale + x) * 4, (y * side * scale + x) * 4 + 3);
    }
  }
  // A CommonJS package whose types speak of a default export that it has only there.
  const read = createRequire(import.meta.url)('jsqr') as typeof jsQR.default;
  return read(pixels, side * scale, side * scale)?.data;
}
