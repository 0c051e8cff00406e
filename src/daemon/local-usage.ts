import { addUsage } from '../agent/usage.ts';
import type { DayUsage } from '../control/contract.ts';
import type { Journal } from '../journal/journal.ts';
import { usageBetween } from '../journal/usage-between.ts';
import type { Clock } from '../kit/clock.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';

/** Tokens of the model steps since local midnight. */
export function usageToday(journal: Journal, now: number): Usage {
  const today = usageBetween(journal, midnight(now, 0), Number.MAX_SAFE_INTEGER);
  return today.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE);
}

/**
 * The last `days` days of this machine's calendar, the newest first; days without any are left out. Counted day by day, so that a
 * daemon with much to count does other things in between.
 */
export async function usageOfDays(
  journal: Journal,
  clock: Pick<Clock, 'now' | 'sleep'>,
  days: number,
): Promise<DayUsage[]> {
  const now = clock.now();
  const rows: DayUsage[] = [];
  for (let back = 0; back < days; back += 1) {
    const from = midnight(now, back);
    const until = back === 0 ? Number.MAX_SAFE_INTEGER : midnight(now, back - 1);
    for (const used of usageBetween(journal, from, until)) rows.push({ day: dayOf(from), ...used });
    await clock.sleep(0);
  }
  return rows;
}

/** When a day of this machine's calendar began, so many days ago. A day may have 23 hours. */
function midnight(now: number, daysAgo: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysAgo).getTime();
}

function dayOf(epochMs: number): string {
  const day = new Date(epochMs);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
