import { describe, expect, it } from 'vitest';
import { prefixedId, type Random, randomText, systemRandom } from '../../src/kit/random.ts';

describe('random text', () => {
  it('uses every letter of the alphabet and no other', () => {
    const letters = new Set(randomText(systemRandom, 5_000, 'ABC'));
    expect([...letters].sort()).toEqual(['A', 'B', 'C']);
  });

  it('throws away bytes that would favour the first letters', () => {
    const bytes = [255, 0, 1, 2];
    const random: Random = { unit: () => 0, uuid: () => '', bytes: () => Buffer.from(bytes) };
    // 255 is the one byte beyond the last whole multiple of three.
    expect(randomText(random, 3, 'ABC')).toBe('ABC');
  });

  it('makes identifiers with their prefix and 96 bits', () => {
    expect(prefixedId(systemRandom, 'thr')).toMatch(/^thr_[0-9a-f]{24}$/);
  });
});
