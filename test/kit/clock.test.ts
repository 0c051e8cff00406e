import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';

describe('the system’s clock', () => {
  it('sleeps until its time, and no longer than until it is called off', async () => {
    const began = systemClock.monotonic();
    await systemClock.sleep(20);
    // Timers and the monotonic clock do not agree to the millisecond.
    expect(systemClock.monotonic() - began).toBeGreaterThan(15);
    const off = new AbortController();
    const asleep = systemClock.sleep(3_600_000, off.signal);
    off.abort();
    await asleep;
    await systemClock.sleep(3_600_000, off.signal);
  });

  it('takes a time that no timer can hold for the longest there is', async () => {
    const off = new AbortController();
    let awake = false;
    const asleep = systemClock.sleep(Number.MAX_SAFE_INTEGER, off.signal).then(() => {
      awake = true;
    });
    await systemClock.sleep(20);
    expect(awake).toBe(false);
    off.abort();
    await asleep;
  });

  it('leaves nothing on a signal that outlives many sleeps', async () => {
    const { signal } = new AbortController();
    for (let n = 0; n < 20; n += 1) await systemClock.sleep(1, signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
