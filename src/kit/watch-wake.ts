import type { Clock } from './clock.ts';

export interface Woke {
  /** About how long the machine slept; 0 where only its network changed. */
  sleptMs: number;
  networkChanged: boolean;
}

export interface WakeWatch {
  clock: Clock;
  signal: AbortSignal;
  tickMs: number;
  /** A tick that comes later than this is a sleep. */
  gapMs: number;
  /** This machine's addresses as one text: another text is another network. */
  networkAddresses(): string;
  onWoke(woke: Woke): void;
}

/**
 * Notices that the machine slept (a tick that comes late) or is on another network: sockets may say open and be dead,
 * and a wait may be pointless. Comparing clocks would not do, since on macOS the monotonic one goes on in sleep
 * (libuv reads `mach_continuous_time`).
 */
export async function watchWake(options: WakeWatch): Promise<void> {
  const { clock, signal, tickMs, gapMs, networkAddresses, onWoke } = options;
  let last = clock.monotonic();
  let network = networkAddresses();
  while (!signal.aborted) {
    await clock.sleep(tickMs, signal);
    const late = Math.round(clock.monotonic() - last - tickMs);
    const before = network;
    network = networkAddresses();
    last = clock.monotonic();
    const networkChanged = network !== before;
    const slept = late >= gapMs;
    if (!signal.aborted && (slept || networkChanged)) onWoke({ sleptMs: slept ? late : 0, networkChanged });
  }
}
