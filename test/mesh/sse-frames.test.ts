import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commentFrame, eventFrame, retryFrame } from '../../src/mesh/live/sse-frames.ts';
import { type ThreadEvent, threadEvent } from '../../src/protocol/events.ts';
import { arbitraryOf } from '../support/arbitrary-of.ts';

/** Ids are the mesh's own; the type is whatever a device says. */
const event = arbitraryOf(threadEvent).map((one) => ({ ...(one as ThreadEvent), runId: 'run_1' }));
const events = fc.array(event, { maxLength: 4 });
const places = fc.array(fc.nat(), { maxLength: 12 });

/** What a reader makes of bytes that come in pieces. */
function readBack(bytes: Buffer, cuts: readonly number[]) {
  const told: { id: string | undefined; event: string | undefined; data: string }[] = [];
  const parser = createParser({ onEvent: ({ id, event, data }) => told.push({ id, event, data }) });
  const decoder = new TextDecoder();
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let from = 0;
  for (const to of ends) {
    parser.feed(decoder.decode(bytes.subarray(from, to), { stream: true }));
    from = to;
  }
  return told;
}

function streamOf(list: readonly ThreadEvent[]): Buffer {
  const frames = list.flatMap((one) => [commentFrame('still here'), eventFrame(one)]);
  return Buffer.concat([retryFrame(2_000), ...frames]);
}

describe('SSE', () => {
  it('brings every event whole, whatever is in it and wherever the stream is cut', () => {
    fc.assert(
      fc.property(events, places, (list, cuts) => {
        const told = readBack(streamOf(list), cuts);
        expect(told.map(({ data }) => JSON.parse(data))).toEqual(
          list.map((one) => JSON.parse(JSON.stringify(one))),
        );
        expect(told.map(({ event: name, id }) => [name ?? '', id])).toEqual(
          list.map(({ type, runSequence }) => [type.replace(/[\r\n]/g, ' '), `run_1:${runSequence}`]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('that was mutilated on the way is read without a throw, and makes no event of two', () => {
    const wounds = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(events, places, wounds, (list, cuts, hurts) => {
        const bytes = streamOf(list);
        for (const [at, byte] of hurts) bytes[at % bytes.length] = byte;
        expect(readBack(bytes, cuts).length).toBeLessThanOrEqual(list.length + hurts.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
