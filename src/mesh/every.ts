import type { Clock } from '../kit/clock.ts';
import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';

/** Calls `work` every `ms` until `signal` aborts. Work that throws (a full disk) is logged and comes round again. */
export async function every(
  { clock, log }: { clock: Clock; log: Log },
  ms: number,
  signal: AbortSignal,
  work: () => void,
): Promise<void> {
  for (;;) {
    await clock.sleep(ms, signal);
    if (signal.aborted) return;
    try {
      work();
    } catch (error) {
      log.error({ error: messageOf(error) }, 'work of a loop failed');
    }
  }
}
