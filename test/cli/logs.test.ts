import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Redrawn } from '../../src/cli/render/redrawn.ts';
import { CliWorld, fakeTerminal } from './harness.ts';

const TODAY = new Date().setHours(9, 5, 7, 0);
const entry = (fields: Record<string, unknown>) => JSON.stringify({ level: 30, time: TODAY, ...fields });

function worldWith(lines: string[]): CliWorld {
  const world = new CliWorld();
  mkdirSync(join(world.home, 'logs'));
  writeFileSync(join(world.home, 'logs', 'daemon.log'), lines.map((line) => `${line}\n`).join(''));
  return world;
}

describe('runmesh logs', () => {
  it('shows time, level, sentence and what it is about, and nothing that could steer a terminal', async () => {
    const world = worldWith([
      entry({ msg: 'run accepted', runId: 'run_1', agent: 'fi\x1b[2Jxer' }),
      entry({
        level: 50,
        msg: 'a run’s\nloop broke',
        runId: 'run_1',
        reason: 'no "way" \x1b]0;title\x07out',
      }),
      'not \x1b[31mJSON',
    ]);
    expect(await world.run('logs')).toBe(0);
    expect(world.out).toBe(
      [
        '09:05:07  info   run accepted  runId=run_1 agent=fixer',
        '09:05:07  error  a run’s loop broke  runId=run_1 reason="no \\"way\\" out"',
        'not JSON',
        '',
      ].join('\n'),
    );
  });

  it('keeps to a run, to a level and worse, and to the last lines', async () => {
    const world = worldWith([
      entry({ msg: 'one', runId: 'run_1' }),
      entry({ msg: 'two', runId: 'run_2' }),
      entry({ level: 40, msg: 'three', runId: 'run_1' }),
      entry({ level: 20, msg: 'four' }),
    ]);
    const said = async (...args: string[]) => {
      world.out = '';
      await world.run('logs', '--json', ...args);
      return world.lines.map(({ message }) => message);
    };
    expect(await said()).toEqual(['one', 'two', 'three', 'four']);
    expect(await said('--run', 'run_1')).toEqual(['one', 'three']);
    expect(await said('--level', 'warn')).toEqual(['three']);
    expect(await said('-n', '1')).toEqual(['four']);
    expect(world.lines[0]).toMatchObject({
      type: 'log',
      level: 'debug',
      time: new Date(TODAY).toISOString(),
    });
  });

  it('says what to do where there is no log, and which levels there are', async () => {
    const world = new CliWorld();
    expect(await world.run('logs', '--json')).toBe(1);
    expect(world.lines[0]).toMatchObject({
      code: 'log_missing',
      message: expect.stringContaining('runmesh daemon'),
    });
    expect(await world.run('logs', '--level', 'loud')).toBe(2);
    expect(world.err).toContain('warn');
  });

  it('-f goes on with what comes, until it is stopped', async () => {
    const world = worldWith([entry({ msg: 'one' })]);
    const done = world.run('logs', '-f');
    await expect.poll(() => world.out).toContain('one');
    writeFileSync(join(world.home, 'logs', 'daemon.log'), `${entry({ msg: 'two' })}\n`, { flag: 'a' });
    await expect.poll(() => world.out).toContain('two');
    world.interrupt();
    expect(await done).toBe(0);
    expect(world.listening).toBe(false);
  });
});

describe('status that is watched', () => {
  it('is drawn over itself on a terminal, cut at its width, and one after the other elsewhere', () => {
    const terminal = fakeTerminal({ isTTY: true, columns: 10 });
    const screen = new Redrawn(terminal);
    screen.draw(['a line that is long', 'b']);
    screen.draw(['c']);
    expect(terminal.text).toBe('a line t…\nb\n\x1b[2F\x1b[Jc\n');
    const pipe = fakeTerminal();
    const plain = new Redrawn(pipe);
    plain.draw(['a line that is long']);
    plain.draw(['b']);
    expect(pipe.text).toBe('a line that is long\nb\n');
  });

  it('goes on while no daemon runs, and ends with Ctrl-C', async () => {
    const world = new CliWorld();
    const done = world.run('status', '--watch', '--json');
    await expect.poll(() => world.lines.length).toBeGreaterThan(0);
    world.interrupt();
    expect(await done).toBe(0);
    expect(world.lines[0]).toEqual({
      type: 'status',
      up: false,
      stopped: null,
      deviceId: null,
      meshUrl: null,
    });
  });
});
