import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputWindow } from '../../src/leash/output-window.ts';

describe('the output window', () => {
  it('lets go the oldest when nobody takes, counts it, and keeps the newest', () => {
    const sent: { text: string; cut: number }[] = [];
    const window = new OutputWindow((text, cut) => sent.push({ text, cut }));
    const piece = 'x'.repeat(65_536);
    for (let n = 0; n < 100; n += 1) window.push(piece);
    window.push('the end');
    const held = sent.reduce((sum, one) => sum + one.text.length, 0);
    window.flush();
    expect(held).toBeLessThanOrEqual(1_048_576 + 65_536);
    expect(sent.at(-1)?.text.endsWith('the end')).toBe(true);
    expect(sent.reduce((sum, one) => sum + one.text.length + one.cut, 0)).toBe(100 * 65_536 + 7);
  });

  it('never loses, doubles or reorders what fits, however it is taken', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.nat(50))), (steps) => {
        let got = '';
        let untaken = 0;
        const window = new OutputWindow((text, cut) => {
          expect(cut).toBe(0);
          got += text;
          untaken += text.length;
        });
        for (const step of steps) {
          if (typeof step === 'string') window.push(step);
          else {
            const units = Math.min(step, untaken);
            untaken -= units;
            window.taken(units);
          }
        }
        window.flush();
        expect(got).toBe(steps.filter((step) => typeof step === 'string').join(''));
      }),
    );
  });
});
