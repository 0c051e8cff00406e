import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HistoryItem, HistoryQuery } from '../../src/control/contract.ts';
import type { ControlPorts } from '../../src/control/ports.ts';
import { openDoor, RUN } from '../control/harness.ts';
import { CliWorld, fakeTerminal } from './harness.ts';

const AT_DESK = { DISPLAY: ':0' };

/** A command's world whose daemon's local door is there. */
async function worldWith(env: Record<string, string> = {}, ports: Partial<ControlPorts> = {}, isTTY = true) {
  const terminal = fakeTerminal({ isTTY });
  const world = new CliWorld({ stdout: terminal, platform: 'linux' });
  world.context.env = { ...world.context.env, NO_COLOR: '1', ...env };
  await openDoor(ports, join(world.home, 'daemon.sock'));
  return { world, terminal };
}

describe('runmesh dashboard', () => {
  it('starts a browser with a file that leads to the page, never with the address that opens it', async () => {
    const { world, terminal } = await worldWith(AT_DESK);
    expect(await world.run('dashboard')).toBe(0);
    const file = join(world.home, 'page.html');
    expect(world.launched).toEqual([`xdg-open ${file}`]);
    const [, url = ''] = /(http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43})/.exec(terminal.text) ?? [];
    expect(readFileSync(file, 'utf8')).toContain(url);
    expect(terminal.text).toContain('Your browser opens');
    expect(terminal.text).toContain('once, within a minute');
  });

  it('only prints the address where that is wanted', async () => {
    const { world, terminal } = await worldWith(AT_DESK);
    expect(await world.run('dashboard', '--no-open')).toBe(0);
    expect(world.launched).toEqual([]);
    expect(terminal.text).toMatch(/^This device’s page is at\nhttp:\/\/127/);
  });

  it('tells a program the address in a line of JSON, and opens nothing for it', async () => {
    const { world, terminal } = await worldWith(AT_DESK);
    expect(await world.run('dashboard', '--json')).toBe(0);
    expect(world.launched).toEqual([]);
    expect(JSON.parse(terminal.text)).toEqual({
      type: 'dashboard',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#/),
      expiresAt: expect.any(String),
      opened: false,
    });
  });

  it('says over SSH how to come to it from where the person sits', async () => {
    const { world, terminal } = await worldWith({ ...AT_DESK, SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' });
    expect(await world.run('dashboard')).toBe(0);
    expect(world.launched).toEqual([]);
    expect(terminal.text).toMatch(/ssh -L (\d+):127\.0\.0\.1:\1 /);
  });

  it('says that the daemon has to run', async () => {
    const world = new CliWorld();
    expect(await world.run('dashboard', '--json')).toBe(1);
    expect(world.lines).toMatchObject([{ type: 'error', code: 'daemon_not_running' }]);
  });
});

describe('runmesh runs --search', () => {
  const item: HistoryItem = { ...RUN, agent: 'fixer', prompt: 'mend\nthe\u001b[2J sum', result: 'done' };

  it('goes through the journal part by part until it has enough', async () => {
    const asked: HistoryQuery[] = [];
    const history = (query: HistoryQuery) => {
      asked.push(query);
      return query.before === undefined ? { runs: [], next: 7 } : { runs: [item], next: 3 };
    };
    const { world, terminal } = await worldWith({}, { history }, false);
    expect(await world.run('runs', '--search', 'sum', '--limit', '2')).toBe(0);
    expect(asked).toEqual([
      { search: 'sum', limit: 2 },
      { search: 'sum', before: 7, limit: 2 },
      { search: 'sum', before: 3, limit: 1 },
    ]);
    expect(terminal.text).toMatch(/run_1 +completed +fixer .* mend the sum\n/);
    expect(terminal.text).not.toContain('\u001b[2J');
  });

  it('says where nothing has these words, and lists as JSON what has', async () => {
    const { world, terminal } = await worldWith(
      {},
      { history: ({ search }) => ({ runs: search === 'sum' ? [item] : [], next: null }) },
      false,
    );
    expect(await world.run('runs', 'list', '--search', 'other')).toBe(0);
    expect(terminal.text).toBe('No run of this device has “other” in its id, agent, prompt or result.\n');
    terminal.text = '';
    expect(await world.run('runs', '--search', 'sum', '--json')).toBe(0);
    expect(JSON.parse(terminal.text)).toMatchObject({ type: 'run', runId: 'run_1', prompt: item.prompt });
    expect(await world.run('runs', '--search', 'x'.repeat(201))).toBe(1);
  });

  it('takes the same options after `list`', async () => {
    const limits: number[] = [];
    const { world } = await worldWith({}, { listRuns: (limit) => [RUN].slice(limits.push(limit)) });
    for (const words of [
      ['runs'],
      ['runs', 'list'],
      ['runs', 'list', '--limit', '5'],
      ['runs', '--limit', '6'],
    ]) {
      expect(await world.run(...words)).toBe(0);
    }
    expect(limits).toEqual([20, 20, 5, 6]);
  });
});
