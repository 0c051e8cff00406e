import type { Clock } from '../kit/clock.ts';
import { LIMITS } from '../protocol/limits.ts';
import type { Connection } from './connection.ts';

/**
 * The machine slept, or its network changed: is anybody there? A socket that says open is no answer. `false` where nobody was,
 * and the connection was left for that.
 */
export async function probe(connection: Connection, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const { heard } = connection;
  connection.ping();
  await clock.sleep(LIMITS.wakeProbeMs, signal);
  if (signal?.aborted || !connection.open || connection.heard !== heard) return true;
  connection.terminate();
  return false;
}

/** Leaves a connection that is silent for too long; that is noticed when it is so, not at the heartbeat after. */
export async function watchSilence(
  connection: Connection,
  heartbeatMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const longest = 2 * heartbeatMs + LIMITS.silenceGraceMs;
  while (!signal.aborted) {
    const left = longest - connection.silentMs;
    if (left > 0) await clock.sleep(left, signal);
    // Asleep until now: what the mesh sent meanwhile has not been read yet, and the probe after a wake decides.
    else if (left < -LIMITS.wakeGapMs) await probe(connection, clock, signal);
    else return connection.terminate();
  }
}
