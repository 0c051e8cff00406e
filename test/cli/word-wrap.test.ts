import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WordWrap } from '../../src/cli/render/word-wrap.ts';

function wrap(pieces: string[], width: number): string {
  const words = new WordWrap(width);
  return pieces.map((piece) => words.take(piece)).join('') + words.rest();
}

describe('text that streams onto a terminal', () => {
  it('breaks between words, and keeps the lines and the indents it has', () => {
    expect(wrap(['one two three\n  four five'], 9)).toBe('one two\nthree\n  four\nfive');
    expect(wrap(['exactly nine nine'], 12)).toBe('exactly nine\nnine');
  });

  it('leaves a word that fits no line to the terminal', () => {
    expect(wrap(['see https://example.com/long here'], 10)).toBe('see\nhttps://example.com/long\nhere');
  });

  it('is the same text in the same lines, however it is cut', () => {
    const word = fc.stringMatching(/^[a-zé🌱]{1,6}$/u);
    const texts = fc.array(fc.oneof(word, fc.constantFrom(' ', '  ', '\n')), { maxLength: 40 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 4, max: 30 }), (pieces, width) => {
        const whole = pieces.join('');
        const wrapped = wrap(pieces, width);
        expect(wrapped).toBe(wrap([whole], width));
        expect(wrapped.match(/\S+/g)).toEqual(whole.match(/\S+/g));
        for (const line of wrapped.split('\n')) {
          if (/\S\s+\S/.test(line)) expect([...line].length).toBeLessThanOrEqual(width);
        }
      }),
    );
  });
});
