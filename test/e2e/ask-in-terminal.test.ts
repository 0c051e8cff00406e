import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House } from '../support/house.ts';
import { resultsIn, startChatModel } from '../support/model-server.ts';
import { atTerminal } from '../support/terminal.ts';

/** A device that asks before everything, and a model that writes one file after the other and then says what it was told. */
async function askingHouse(files: string[], config: Record<string, string> = {}, daemon = false) {
  const told: string[] = [];
  const model = await startChatModel((request) => {
    const last = request.messages.at(-1);
    if (last?.role === 'tool') told.push(String(last.content));
    const path = files[resultsIn(request)];
    if (path === undefined) return { text: 'All tried.' };
    return { calls: [{ name: 'write_file', args: { path, content: 'x' } }] };
  });
  const house = new House();
  await house.startMesh();
  await house.link();
  const provider = { type: 'openai-compatible', baseUrl: model.baseUrl };
  await house.configure('models.providers.test', JSON.stringify(provider));
  await house.configure('approvals.policy', 'untrusted');
  for (const [key, value] of Object.entries(config)) await house.configure(key, value);
  if (daemon) await house.startDaemon();
  await house.agent({ model: 'test/model' });
  const written = () => files.filter((path) => existsSync(join(house.workspace, path)));
  return { house, told, written, run: ['run', '--here', 'worker', 'go'] };
}

describe('a run of this machine that needs a word of its owner', () => {
  it.each([false, true])(
    'asks at the terminal it was started from (a daemon: %s)',
    async (daemon) => {
      const { house, told, written, run } = await askingHouse(['one', 'two', 'three', 'four'], {}, daemon);
      const terminal = atTerminal(run, house.environment);
      await terminal.sees('write_file');
      await terminal.sees('in the workspace');
      await terminal.sees('Allow it? once, run, no');
      terminal.types('what?\r');
      await terminal.sees('Allow it?');
      terminal.types('once\r');
      await terminal.sees('Allow it?');
      terminal.types('always\r');
      await terminal.sees('Allow it?');
      terminal.types('no, it belongs into three\r');
      await terminal.sees('Allow it?');
      terminal.types('n\r');
      await terminal.sees('Allow it?');
      terminal.types('\u0004');
      expect(await terminal.exited).toBe(0);
      expect(written()).toEqual(['one']);
      expect(told[1]).toContain('They said: it belongs into three');
      expect(told).toHaveLength(4);
      const audit = house.command('audit', '--json', '--limit', '500');
      await audit.exited;
      const answers = audit.lines.filter(({ what }) => what === 'approval_resolved');
      expect(answers.map(({ detail }) => (detail as { by: string }).by)).toEqual([
        'cli',
        'cli',
        'cli',
        'cli',
      ]);
    },
    60_000,
  );

  it('takes nothing that was typed before it asked, and silence for a no', async () => {
    const { house, told, written, run } = await askingHouse(['one'], { 'approvals.timeoutMs': '3000' });
    const terminal = atTerminal(run, house.environment);
    terminal.types('once\ronce\ryes\r');
    await terminal.sees('Allow it?');
    expect(await terminal.exited).toBe(0);
    expect(written()).toEqual([]);
    expect(told[0]).toContain('did not answer in time');
    expect(terminal.shown).toContain('nobody answered, which is a no');
  }, 60_000);

  it('ends where Ctrl-C is pressed at the question', async () => {
    const { house, written, run } = await askingHouse(['one']);
    const terminal = atTerminal(run, house.environment);
    await terminal.sees('Allow it?');
    terminal.types('\u0003');
    expect(await terminal.exited).toBe(1);
    expect(written()).toEqual([]);
  }, 60_000);

  it('is refused off a terminal without a daemon, and told so', async () => {
    const { house, told, written, run } = await askingHouse(['one']);
    const command = house.command(...run);
    expect((await command.exited).code).toBe(0);
    expect(told[0]).toContain('neither a daemon nor a terminal');
    expect(written()).toEqual([]);
  }, 60_000);

  it('shows nothing at the terminal that the terminal would obey', async () => {
    const { house, written, run } = await askingHouse(['a\u001b[2J\u001b]0;x\u0007b\u202e']);
    const terminal = atTerminal(run, house.environment);
    await terminal.sees('Allow it?');
    terminal.types('no\r');
    expect(await terminal.exited).toBe(0);
    expect(written()).toEqual([]);
    expect(terminal.shown).not.toMatch(/\u001b\[2J|\u001b\]0|\u202e/);
    expect(readFileSync(join(house.dir, 'device', 'config.json'), 'utf8')).not.toContain('allow');
  }, 60_000);
});
