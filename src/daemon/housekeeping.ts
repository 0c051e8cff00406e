import type { Journal } from '../journal/journal.ts';
import { prune } from '../journal/prune.ts';
import { truncateWal } from '../journal/truncate-wal.ts';
import type { Clock } from '../kit/clock.ts';
import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';

export interface HousekeepingOptions {
  journal: Journal;
  clock: Clock;
  log: Log;
  /** Read anew each time. */
  readonly retentionDays: number;
  /** Whether no run is at work. */
  idle(): boolean;
  say: (doing: string) => void;
}

/** Lets go of what the journal need not keep, now and every few hours: a daemon may be up for months. */
export async function keepHouse(options: HousekeepingOptions, signal: AbortSignal): Promise<void> {
  const { journal, clock, log, idle, say } = options;
  while (!signal.aborted) {
    try {
      const pruned = await prune(journal, clock.now() - options.retentionDays * DAY_MS, signal);
      if (idle()) truncateWal(journal);
      if (pruned > 0) log.info({ pruned }, 'old runs were pruned');
      say('waiting for the next look at the journal');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the journal could not be tidied');
      say(`could not tidy the journal: ${messageOf(error)}`);
    }
    await clock.sleep(EVERY_MS, signal);
  }
}

const DAY_MS = 86_400_000;
const EVERY_MS = 6 * 3_600_000;
