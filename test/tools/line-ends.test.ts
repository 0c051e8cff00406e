import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineEnds } from '../../src/tools/exec/line-ends.ts';

function plain(chunks: string[]): string {
  const lineEnds = new LineEnds();
  return chunks.map((chunk) => lineEnds.next(chunk)).join('') + lineEnds.rest();
}

describe("a terminal's line ends", () => {
  it('become plain, and a carriage return alone stays', () => {
    expect(plain(['a\r\nb\r\r\n50 %\r100 %\r'])).toBe('a\nb\n50 %\r100 %\r');
    const many = '\r'.repeat(6);
    expect([plain([`${many}\n`]), plain([many, '\n']), plain([many])]).toEqual(['\r\r\n', '\r\r\n', many]);
  });

  it('become the same however the output comes in pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('\r\n', '\r\r\n', '\r', '\r'.repeat(5), '\n', 'a', 'é')),
        fc.array(fc.nat(3)),
        (parts, cuts) => {
          const whole = parts.join('');
          const chunks: string[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(whole.slice(at, at + cut));
            at += cut;
          }
          chunks.push(whole.slice(at));
          expect(plain(chunks)).toBe(plain([whole]));
        },
      ),
    );
  });
});
