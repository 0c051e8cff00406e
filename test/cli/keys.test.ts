import { spawn } from 'node-pty';
import { describe, expect, it } from 'vitest';
import { RUNMESH } from '../support/processes.ts';
import { CliWorld } from './harness.ts';

const KEY = 'sk-test-0123456789abcdef';

describe('runmesh keys', () => {
  it('stores a key, shows of it no more than its end, and erases it', async () => {
    const world = new CliWorld();
    world.typed = `  ${KEY}\n`;
    expect(await world.run('keys', 'set', 'anthropic', '--json')).toBe(0);
    expect(await world.run('keys', 'list', '--json')).toBe(0);
    expect(world.lines).toEqual([
      { type: 'key_set', provider: 'anthropic', secretStore: 'file' },
      { type: 'key', provider: 'anthropic', key: '…cdef', secretStore: 'file' },
    ]);
    expect(await world.run('keys', 'remove', 'anthropic', '--json')).toBe(0);
    expect(await world.run('keys', 'remove', 'anthropic', '--json')).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({ code: 'key_unknown' });
    expect(world.out + world.err).not.toContain(KEY);
  });

  it.each([
    { provider: 'antropic', typed: KEY, code: 'provider_unknown', says: 'Did you mean anthropic?' },
    { provider: '__proto__', typed: KEY, code: 'provider_unknown', says: 'Known are' },
    { provider: 'openai', typed: ' \n', code: 'key_invalid', says: 'nothing was stored' },
    { provider: 'openai', typed: `${KEY} ${KEY}`, code: 'key_invalid', says: 'white space' },
    { provider: 'openai', typed: 'x'.repeat(5_000), code: 'key_invalid', says: '4096' },
  ])('refuses $provider with $code, and does not repeat what was typed', async (given) => {
    const world = new CliWorld();
    world.typed = given.typed;
    expect(await world.run('keys', 'set', given.provider, '--json')).toBe(1);
    expect(world.lines.at(-1)).toMatchObject({
      code: given.code,
      message: expect.stringContaining(given.says),
    });
    expect(world.out).not.toContain(given.typed.trim() || 'nothing typed');
  });

  it('knows providers of the owner’s own, and says which variable goes before a stored key', async () => {
    const world = new CliWorld();
    const endpoint = { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:1/v1', apiKeyEnv: 'MY_KEY' };
    await world.run('config', 'set', 'models.providers.mine', JSON.stringify(endpoint));
    world.typed = KEY;
    expect(await world.run('keys', 'set', 'mine')).toBe(0);
    expect(world.out).toContain('MY_KEY');
  });

  it('shows nothing of what is typed at its prompt', async () => {
    const { home } = new CliWorld();
    const env = { PATH: process.env.PATH ?? '', HOME: home, RUNMESH_HOME: home, RUNMESH_SECRETS: 'file' };
    const terminal = spawn(process.execPath, [RUNMESH, 'keys', 'set', 'openai'], { env, cols: 80, rows: 24 });
    let shown = '';
    terminal.onData((text) => {
      shown += text;
    });
    const exited = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    await expect.poll(() => shown, { timeout: 10_000 }).toContain('not shown');
    terminal.write(`${KEY}\r`);
    expect(await exited).toBe(0);
    await expect.poll(() => shown).toContain('…cdef');
    expect(shown).not.toContain(KEY.slice(0, 12));
  });
});
