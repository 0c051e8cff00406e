import { expect, it } from 'vitest';
import type { Clock } from '../../src/kit/clock.ts';
import { type Woke, watchWake } from '../../src/kit/watch-wake.ts';

it('takes a tick that comes late for a sleep, another address for another network, and else nothing', async () => {
  // How long each tick really took, and the addresses after it.
  const ticks = [
    [5_000, 'home'],
    [6_000, 'home'],
    [3_605_000, 'home'],
    [5_000, 'cafe'],
    [20_001, 'train'],
  ] as const;
  const stop = new AbortController();
  let now = 0;
  let network = 'home';
  let tick = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async () => {
      const [took, addresses] = ticks[tick++] ?? [0, network];
      if (tick > ticks.length) stop.abort();
      now += took;
      network = addresses;
    },
  };
  const woke: Woke[] = [];
  await watchWake({
    clock,
    signal: stop.signal,
    tickMs: 5_000,
    gapMs: 15_000,
    networkAddresses: () => network,
    onWoke: (one) => woke.push(one),
  });
  expect(woke).toEqual([
    { sleptMs: 3_600_000, networkChanged: false },
    { sleptMs: 0, networkChanged: true },
    { sleptMs: 15_001, networkChanged: true },
  ]);
});
