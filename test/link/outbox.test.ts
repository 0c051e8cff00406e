import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { acceptRun } from '../../src/journal/accept-run.ts';
import { appendEvents } from '../../src/journal/append-events.ts';
import { finishRun } from '../../src/journal/finish-run.ts';
import { forgetRun } from '../../src/journal/forget-run.ts';
import { readCursor } from '../../src/journal/list-cursors.ts';
import { Outbox } from '../../src/link/outbox.ts';
import type { DeviceEvent, RunEvent } from '../../src/protocol/events.ts';
import type { DeviceFrame } from '../../src/protocol/frames.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { checkJsonBounds } from '../../src/protocol/read-frame.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { aJournal, anOrder, said } from '../support/journals.ts';

type EventsFrame = Extract<DeviceFrame, { type: 'events' }>;

/** The mesh's side of the rule: the next number or a repeat; anything else would be a gap. */
class Mesh {
  readonly stored: DeviceEvent[] = [];

  take(events: readonly DeviceEvent[]): void {
    for (const event of events) {
      const known = this.stored[event.runSequence - 1];
      if (known !== undefined) expect(event).toEqual(known);
      else {
        expect(event.runSequence).toBe(this.stored.length + 1);
        this.stored.push(event);
      }
    }
  }
}

/** One connection: frames wait in it until the mesh takes them, and are gone with it. */
function connect(journal: ReturnType<typeof aJournal>, mesh: Mesh, windowBytes: number) {
  const wire: (readonly DeviceEvent[])[] = [];
  const outbox = new Outbox(
    {
      journal,
      send: (frame) => wire.push((frame as EventsFrame).events),
      sendLarge: (_cursor, event) => wire.push([event]),
      beforeSending: () => {},
      windowBytes,
      maxFrameBytes: 4_096,
    },
    new Map([['a', mesh.stored.length]]),
  );
  outbox.acked('a', mesh.stored.length);
  outbox.drain();
  return { outbox, wire };
}

describe('the outbox', () => {
  it('puts no more keys into a frame than the mesh reads, and has an event of more go by itself', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    const many = (parts: number): RunEvent => ({
      type: 'assistant_message',
      payload: {
        messageId: 'm',
        step: 1,
        text: '',
        content: Array.from({ length: parts }, () => ({ type: 'text', text: '' })),
        finishReason: 'stop',
        model: 'm',
        usage: NO_USAGE,
      },
    });
    appendEvents(journal, 'a', [...Array.from({ length: 300 }, () => many(30)), many(6_000), many(1)]);
    const frames: DeviceFrame[] = [];
    const large: number[] = [];
    const outbox = new Outbox(
      {
        journal,
        send: (frame) => frames.push(frame),
        sendLarge: (_cursor, event) => void large.push(event.runSequence),
        beforeSending: () => {},
        windowBytes: 10_000_000,
        maxFrameBytes: LIMITS.maxFrameBytes,
      },
      new Map(),
    );
    const sent = () => frames.flatMap((frame) => (frame.type === 'events' ? frame.events : []));
    outbox.drain();
    for (let n = 0; n < 50 && large.length === 0; n += 1) outbox.acked('a', sent().length);
    expect(sent().map(({ runSequence }) => runSequence)).toEqual(
      Array.from({ length: 300 }, (_, n) => n + 1),
    );
    expect(large).toEqual([301]);
    expect(frames.length).toBeGreaterThan(1);
    for (const frame of frames) expect(checkJsonBounds(JSON.stringify(frame))).toBeUndefined();
  });

  it('gets every event to the mesh once and in order, through any order of commits, acks, cuts and holes', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('commit' as const),
        sizes: fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 4 }),
      }),
      fc.record({ do: fc.constantFrom('take', 'ack', 'cut', 'lose' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const journal = aJournal();
        const mesh = new Mesh();
        acceptRun(journal, anOrder('a'), 'dispatched');
        let link = connect(journal, mesh, 20_000);
        for (const one of steps) {
          if ('sizes' in one) {
            appendEvents(
              journal,
              'a',
              one.sizes.map((size) => said('x'.repeat(size))),
            );
            link.outbox.committed('a');
          } else if (one.do === 'take') mesh.take(link.wire.shift() ?? []);
          else if (one.do === 'ack') link.outbox.acked('a', mesh.stored.length);
          else if (one.do === 'cut') link = connect(journal, mesh, 20_000);
          else {
            // What was under way is lost on a link that lives: two heartbeats later the mesh's count shows it.
            const sent = link.outbox.positions().find(({ runId }) => runId === 'a')?.sent ?? 0;
            link.wire.length = 0;
            link.outbox.check('a', mesh.stored.length, sent);
          }
        }
        for (
          let n = 0;
          n < 1_000 && mesh.stored.length < (readCursor(journal, 'a')?.committed ?? 0);
          n += 1
        ) {
          mesh.take(link.wire.shift() ?? []);
          link.outbox.acked('a', mesh.stored.length);
        }
        link.outbox.acked('a', mesh.stored.length);
        const cursor = readCursor(journal, 'a');
        expect(mesh.stored.length).toBe(cursor?.committed);
        expect(cursor?.acked).toBe(cursor?.committed);
        journal.close();
      }),
      { numRuns: 60 },
    );
  });

  it('asks of each idle run whether it is over, and not each time of all', () => {
    const journal = aJournal();
    for (const runId of ['a', 'idle', 'queued']) acceptRun(journal, anOrder(runId), 'dispatched');
    const { outbox } = connect(journal, new Mesh(), LIMITS.windowBytes);
    appendEvents(journal, 'a', [said('x')]);
    const asked = vi.spyOn(journal.statements, 'get');
    outbox.committed('a');
    const ofAll = asked.mock.calls.flat().filter((sql) => !sql.includes('WHERE run_id = ?'));
    expect(ofAll).toEqual([]);
    expect(outbox.positions().map(({ runId }) => runId)).toEqual(['a', 'idle', 'queued']);
    finishRun(journal, 'a', { status: 'completed', result: null, usage: NO_USAGE, iterations: 0 });
    forgetRun(journal, 'idle');
    outbox.committed('a');
    outbox.acked('a', 2);
    expect(outbox.positions().map(({ runId }) => runId)).toEqual(['queued']);
  });

  it('has no more under way than the windows allow', () => {
    const journal = aJournal();
    acceptRun(journal, anOrder('a'), 'dispatched');
    appendEvents(
      journal,
      'a',
      Array.from({ length: 600 }, () => said('x'.repeat(1_000))),
    );
    const { wire } = connect(journal, new Mesh(), LIMITS.windowBytes);
    const events = wire.flat();
    const bytes = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
    expect(bytes).toBeLessThanOrEqual(LIMITS.runWindowBytes);
    expect(events.length).toBeGreaterThan(100);
    expect(events.length).toBeLessThanOrEqual(LIMITS.windowEvents);
  });
});
