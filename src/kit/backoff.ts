/**
 * Windowed full jitter: wait a random time inside the window, and start the next attempt's window only when this one
 * is over, so that many devices that were cut at once stay spread evenly (Buildkite's agent does the same).
 */
export interface BackoffWindow {
  /** Milliseconds to wait before the attempt. */
  before: number;
  /** Milliseconds to wait after a failed attempt, the rest of the window. */
  after: number;
}

export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
}

/** The window of attempt `n` (0, 1, 2 …): `min(maxMs, baseMs · 2ⁿ)`, cut at `unit` (0 ≤ unit < 1). */
export function backoffWindow(n: number, unit: number, { baseMs, maxMs }: BackoffOptions): BackoffWindow {
  const window = Math.min(maxMs, baseMs * 2 ** Math.min(n, 30));
  const before = Math.floor(window * unit);
  return { before, after: window - before };
}
