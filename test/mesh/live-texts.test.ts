import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveTexts } from '../../src/mesh/live/live-texts.ts';

const delta = (offset: number, text: string, messageId = 'm') =>
  ({ type: 'delta', runId: 'r', messageId, kind: 'assistant_message', offset, text }) as const;

describe('live texts', () => {
  it('are what a reader of the same deltas has, for any deltas', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.string({ maxLength: 10 }))), (deltas) => {
        const texts = new LiveTexts();
        let reader = '';
        for (const [offset, text] of deltas) {
          const taken = texts.take(delta(offset, text));
          expect(taken).toBe(offset <= reader.length);
          if (taken) reader = reader.slice(0, offset) + text;
          expect(texts.whole()[0]?.text ?? '').toBe(reader);
          expect(texts.offsets()[0]?.offset ?? 0).toBe(reader.length);
        }
      }),
    );
  });

  it('end with their durable event, and late deltas of it are passed over', () => {
    const texts = new LiveTexts();
    texts.take(delta(0, 'one', 'm1'));
    texts.take(delta(0, 'two', 'm2'));
    texts.close('m1');
    expect(texts.take(delta(3, '!', 'm1'))).toBe(false);
    expect(texts.take(delta(0, 'one', 'm1'))).toBe(false);
    expect(texts.whole()).toEqual([{ messageId: 'm2', kind: 'assistant_message', text: 'two' }]);
  });

  it('hold a bounded part of an endless output, and go on with its tail', () => {
    const texts = new LiveTexts();
    const chunk = 'x'.repeat(1_048_576);
    for (let i = 0; i < 5; i += 1) expect(texts.take(delta(i * chunk.length, chunk))).toBe(true);
    expect(texts.whole()).toEqual([]);
    expect(texts.offsets()[0]?.offset).toBe(5 * chunk.length);
    expect(texts.take(delta(5 * chunk.length + 1, 'x'))).toBe(false);
  });

  it('hold a bounded number of messages, the newest', () => {
    const texts = new LiveTexts();
    for (let i = 0; i < 40; i += 1) texts.take(delta(0, 'x', `m${i}`));
    expect(texts.whole()).toHaveLength(32);
    expect(texts.whole().at(-1)?.messageId).toBe('m39');
  });
});
