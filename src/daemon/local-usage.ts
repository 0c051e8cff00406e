import { addUsage } from '../agent/usage.ts';
import type { Journal } from '../journal/journal.ts';
import { type DayOfModel, usageByDay } from '../journal/usage-by-day.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';

/** Tokens of the model steps since local midnight. */
export function usageToday(journal: Journal, now: number): Usage {
  return usageOfDays(journal, now, 1).reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE);
}

/** The last `days` days of this machine's calendar, today among them; days without any are left out. */
export function usageOfDays(journal: Journal, now: number, days: number): DayOfModel[] {
  const first = new Date(now);
  first.setHours(0, 0, 0, 0);
  // By the calendar: a day may have 23 hours.
  first.setDate(first.getDate() - (days - 1));
  return usageByDay(journal, first.getTime());
}
