import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToldText } from '../../src/models/told-text.ts';

/** A reader by the protocol's rule, and all it was ever told. */
function reader() {
  const state = { text: '', told: '' };
  const told = new ToldText((offset, text) => {
    expect(offset).toBeLessThanOrEqual(state.text.length);
    state.text = state.text.slice(0, offset) + text;
    state.told += text;
    expect(isWhole(state.text)).toBe(true);
  });
  return { state, told };
}

function isWhole(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return !(last >= 0xd800 && last <= 0xdbff);
}

/** A text in pieces cut anywhere, inside characters too. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index, all) => text.slice(from, all[index + 1] ?? text.length));
}

describe('what a listener is told over several tries', () => {
  it('is in the end the last try’s text, whatever the tries before said', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const aTry = fc.tuple(text, fc.array(fc.nat(60), { maxLength: 6 }), fc.nat(6));
    fc.assert(
      fc.property(fc.array(aTry, { minLength: 1, maxLength: 4 }), (tries) => {
        const { state, told } = reader();
        for (const [index, [said, cuts, cutAfter]] of tries.entries()) {
          told.restart();
          const parts = pieces(said, cuts);
          const last = index === tries.length - 1;
          for (const part of last ? parts : parts.slice(0, cutAfter)) told.add(part);
          if (last) told.finish();
        }
        expect(state.text).toBe(tries.at(-1)?.[0]);
        expect(told.text).toBe(state.text);
      }),
    );
  });

  it('says nothing twice when a try repeats the one before and goes on', () => {
    const { state, told } = reader();
    told.add('One two ');
    told.restart();
    for (const word of ['One ', 'two ', 'three.']) told.add(word);
    told.finish();
    expect(state).toEqual({ text: 'One two three.', told: 'One two three.' });
  });

  it('goes back to where the words differ', () => {
    const { state, told } = reader();
    told.add('The answer is 4.');
    told.restart();
    told.add('The answer is five.');
    told.finish();
    expect(state).toEqual({ text: 'The answer is five.', told: 'The answer is 4.five.' });
  });
});
