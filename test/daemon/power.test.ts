import { describe, expect, it } from 'vitest';
import { recently } from '../../src/daemon/power.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('asking the machine for its power', () => {
  it('asks a program once in a while, however often somebody wants to know', async () => {
    const clock = new FakeClock();
    const asked: string[] = [];
    const run = recently(clock, async (command, args) => {
      asked.push([command, ...args].join(' '));
      return `answer ${asked.length}`;
    });
    expect(await run('pmset', ['-g', 'batt'])).toBe('answer 1');
    await clock.advance(4_000);
    expect(await run('pmset', ['-g', 'batt'])).toBe('answer 1');
    expect(await run('pmset', ['-g', 'assertions'])).toBe('answer 2');
    await clock.advance(1_000);
    expect(await run('pmset', ['-g', 'batt'])).toBe('answer 3');
    expect(asked).toHaveLength(3);
  });

  it('asks again after a moment where it failed', async () => {
    const clock = new FakeClock();
    let fails = true;
    const run = recently(clock, async () => {
      if (fails) throw new Error('no such program');
      return 'mains';
    });
    await expect(run('pmset', [])).rejects.toThrow('no such program');
    fails = false;
    await clock.advance(5_000);
    expect(await run('pmset', [])).toBe('mains');
  });
});
