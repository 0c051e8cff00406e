import { describe, expect, it } from 'vitest';
import { chooseTurns } from '../../src/runs/turns.ts';

const run = (runId: string, threadId: string, queued = true, alone = false) => ({
  runId,
  threadId,
  queued,
  alone,
});

describe('taking turns', () => {
  it('starts the first of each thread, in the order they were accepted, up to the most', () => {
    const runs = [run('a1', 'a'), run('a2', 'a'), run('b1', 'b'), run('c1', 'c')];
    expect(chooseTurns(runs, 2)).toEqual(['a1', 'b1']);
    expect(chooseTurns(runs, 9)).toEqual(['a1', 'b1', 'c1']);
  });

  it('holds a thread’s next run until the one before it has ended', () => {
    expect(chooseTurns([run('a1', 'a', false), run('a2', 'a'), run('b1', 'b')], 2)).toEqual(['b1']);
    expect(chooseTurns([run('a1', 'a', false), run('b1', 'b', false), run('c1', 'c')], 2)).toEqual([]);
  });

  it('lets a run that may be poisonous work with nobody beside it, and nobody overtake it', () => {
    const suspect = run('s', 's', true, true);
    expect(chooseTurns([suspect, run('b', 'b')], 2)).toEqual(['s']);
    expect(chooseTurns([run('a', 'a', false), suspect, run('b', 'b')], 2)).toEqual([]);
    expect(chooseTurns([run('a', 'a'), suspect, run('b', 'b')], 3)).toEqual(['a']);
    expect(chooseTurns([run('s', 's', false, true), run('b', 'b')], 2)).toEqual([]);
  });
});
