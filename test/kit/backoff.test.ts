import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffWindow } from '../../src/kit/backoff.ts';

const OPTIONS = { baseMs: 500, maxMs: 60_000 };

describe('a backoff window', () => {
  it('doubles from the base up to the most', () => {
    const windows = [0, 1, 2, 6, 7, 100].map((n) => {
      const { before, after } = backoffWindow(n, 0.5, OPTIONS);
      return before + after;
    });
    expect(windows).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000]);
  });

  it('is always used up whole, before and after the attempt, so that devices stay spread', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, unit) => {
        const { before, after } = backoffWindow(n, unit, OPTIONS);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(after).toBeGreaterThan(0);
        expect(before + after).toBe(Math.min(60_000, 500 * 2 ** Math.min(n, 30)));
      }),
    );
  });
});
