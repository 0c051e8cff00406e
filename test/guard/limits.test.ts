import { describe, expect, it } from 'vitest';
import { costOf, narrowestLimits } from '../../src/guard/limits.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';

describe('the limits of a run', () => {
  it('are the least that anybody said of each, so nobody says more than the owner', () => {
    const owner = { tokens: 1_000, processes: 10 };
    expect(
      narrowestLimits(owner, undefined, { tokens: 5_000, turns: 3 }, { tokens: 400, processes: 99 }),
    ).toEqual({
      tokens: 400,
      processes: 10,
      turns: 3,
    });
  });

  it('count cached input at its own price, and at the full one where it has none', () => {
    const usage = { ...NO_USAGE, inputTokens: 1_000_000, cachedInputTokens: 400_000, outputTokens: 100_000 };
    expect(costOf(usage, { input: 3, output: 15, cachedInput: 0.3 })).toBeCloseTo(1.8 + 0.12 + 1.5);
    expect(costOf(usage, { input: 3, output: 15 })).toBeCloseTo(4.5);
  });
});
