import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICE_FRAMES, MESH_FRAMES } from '../../src/protocol/frames.ts';
import { readFrame } from '../../src/protocol/read-frame.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';

/** `FRAMES=1000000 npx vitest run --config test/vitest.config.ts test/protocol` is the full count. */
const FRAMES = Number(process.env.FRAMES ?? 20_000);
const TABLES = { device: DEVICE_FRAMES, mesh: MESH_FRAMES };

for (const [from, table] of Object.entries(TABLES)) {
  const valid = fc
    .oneof(...Object.values(table).map((schema) => arbitraryOf(schema)))
    .map((frame) => JSON.stringify(frame));

  describe(`the frames of a ${from}`, () => {
    it('are read as what was written, whatever is in them', () => {
      fc.assert(
        fc.property(valid, (text) => {
          const read = readFrame(text, table);
          if (read.kind !== 'frame') throw new Error(JSON.stringify(read));
          expect(read.frame).toMatchObject(JSON.parse(text));
        }),
        { numRuns: FRAMES / 4 },
      );
    }, 600_000);

    it('are told from what was mutilated on the way, and nothing is thrown', () => {
      const kinds = new Set<string>();
      fc.assert(
        fc.property(valid, fc.array(wound, { minLength: 1, maxLength: 3 }), (text, wounds) => {
          const mutilated = wounds.reduce((hurt, one) => one(hurt), text);
          const read = readFrame(mutilated, table);
          kinds.add(read.kind);
          if (read.kind === 'malformed') expect(read.reason.length).toBeLessThan(1_000);
          if (read.kind === 'frame') expect(Object.keys(table)).toContain(read.frame.type);
        }),
        { numRuns: FRAMES / 4 },
      );
      expect(kinds).toEqual(new Set(['frame', 'unknown', 'malformed']));
    }, 600_000);
  });
}

const place = fc.double({ min: 0, max: 1, noNaN: true });

/** What a broken program or a hostile one does to a text. */
const wound: fc.Arbitrary<(text: string) => string> = fc.oneof(
  place.map((at) => (text: string) => text.slice(0, at * text.length)),
  place.map((at) => (text: string) => text.slice(at * text.length)),
  fc.tuple(place, fc.string({ unit: 'binary', maxLength: 3 })).map(
    ([at, more]) =>
      (text: string) =>
        splice(text, at, 1, more),
  ),
  fc
    .tuple(place, fc.constantFrom('"', '{', '[', '}', ']', ':', ',', '\\', '\u0000', '\ud800', '1e999', '-0'))
    .map(
      ([at, more]) =>
        (text: string) =>
          splice(text, at, 0, more),
    ),
  fc.tuple(place, fc.constantFrom('null', '[]', '{}', '-1', '1.5', '"x"', 'true', '9007199254740993')).map(
    ([at, value]) =>
      (text: string) =>
        swapValue(text, at, value),
  ),
  fc
    .constantFrom('__proto__', 'constructor', 'toString', 'x')
    .map((name) => (text: string) => text.replace(/"type":"[^"]*"/, `"type":"${name}"`)),
  fc.integer({ min: 1, max: 200 }).map((depth) => (text: string) => '['.repeat(depth) + text),
);

function splice(text: string, at: number, cut: number, more: string): string {
  const index = Math.floor(at * text.length);
  return text.slice(0, index) + more + text.slice(index + cut);
}

/** Puts another value where one of the text's stood, so that it is JSON still. */
function swapValue(text: string, at: number, value: string): string {
  const values = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|true|false|null)/g)];
  const one = values[Math.floor(at * values.length)] ?? values[0];
  if (one === undefined) return text;
  return `${text.slice(0, one.index)}:${value}${text.slice(one.index + one[0].length)}`;
}
