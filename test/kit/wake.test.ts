import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { Wake } from '../../src/kit/wake.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('a wake', () => {
  it('keeps a reason that came while the loop was at work', async () => {
    const wake = new Wake<'a' | 'b'>();
    wake.wake('a');
    wake.wake('b');
    wake.wake('a');
    expect([...(await wake.wait(systemClock, 60_000))]).toEqual(['a', 'b']);
  });

  it('ends a wait at once, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const wake = new Wake<'a'>();
    const waiting = wake.wait(clock, 60_000);
    wake.wake('a');
    expect([...(await waiting)]).toEqual(['a']);
  });

  it('gives no reason when the time passed or the signal aborted', async () => {
    const clock = new FakeClock();
    const wake = new Wake<'a'>();
    const waiting = wake.wait(clock, 1_000);
    await clock.advance(1_000);
    expect((await waiting).size).toBe(0);
    const abort = new AbortController();
    const forever = wake.wait(clock, Number.POSITIVE_INFINITY, abort.signal);
    abort.abort();
    expect((await forever).size).toBe(0);
  });
});
