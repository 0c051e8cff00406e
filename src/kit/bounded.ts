/**
 * Does `work` with a signal that aborts when `signal` does, and after `ms`, and rejects then, whether or not `work` heeds it: a
 * `fetch` whose answer stays away may not hear it (on Node 20 it notes the signal weakly). By hand: on Node 20 each signal that
 * `AbortSignal.any` makes of a loop's own stays noted in that for as long as the loop runs.
 */
export async function bounded<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const end = () => over.abort(signal?.reason);
  const ended = new Promise<never>((_, reject) => {
    over.signal.addEventListener('abort', () => reject(over.signal.reason), { once: true });
  });
  const late = () => over.abort(new DOMException(`Not done within ${ms} ms.`, 'TimeoutError'));
  const timer = setTimeout(late, ms);
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  try {
    return await Promise.race([work(over.signal), ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}
