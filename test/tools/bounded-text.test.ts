import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedText, boundText } from '../../src/tools/bounded-text.ts';

const NOTE = /\n\[… (\d+) characters, about \d+ tokens, were cut here …\]\n/;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

describe('bounded text', () => {
  it('is what went in as long as it fits', () => {
    const text = new BoundedText(10);
    text.push('hello');
    text.push('world');
    expect(text.within(10)).toBe('helloworld');
  });

  it('keeps both ends of any text in any pieces, counts the rest, and parts no surrogate pair', () => {
    const words = fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { maxLength: 40 });
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        (pieces, room, asked) => {
          const whole = pieces.join('');
          const text = new BoundedText(room);
          for (const piece of pieces) text.push(piece);
          expect(text.units).toBe(whole.length);
          const shown = text.within(asked);
          const [head = '', missing, tail = ''] = shown.split(NOTE);
          if (missing === undefined) expect(shown).toBe(whole);
          else {
            expect(whole.startsWith(head) && whole.endsWith(tail)).toBe(true);
            expect(head.length + Number(missing) + tail.length).toBe(whole.length);
            expect(head.length + tail.length).toBeLessThanOrEqual(asked);
          }
          expect(LONE_SURROGATE.test(shown)).toBe(false);
        },
      ),
    );
  });

  it('counts what was lost before it came', () => {
    const text = new BoundedText(100);
    text.push('before');
    text.push('after', 1_000);
    expect(text.within(100)).toBe('before\n[… 1000 characters, about 250 tokens, were cut here …]\nafter');
  });

  it('leaves a short text alone', () => {
    expect(boundText('short', 5)).toBe('short');
  });
});
