import type { HistoryPage, HistoryQuery, LocalRunItem, LogLine, LogQuery } from '../control/contract.ts';
import { readLog } from '../device/read-log.ts';
import type { Journal } from '../journal/journal.ts';
import type { JournaledRun } from '../journal/read-run.ts';
import { searchRuns } from '../journal/search-runs.ts';
import type { Clock } from '../kit/clock.ts';
import { isAtLeast, readLogLine } from '../kit/log-entry.ts';

/** A page of this device's runs, each with the beginning of what was asked and of what came of it. */
export function tellHistory(
  journal: Journal,
  query: HistoryQuery,
  itemOf: (run: JournaledRun) => LocalRunItem,
): HistoryPage {
  const { runs, next } = searchRuns(journal, query);
  return {
    runs: runs.map(({ run, prompt, result }) => ({
      ...itemOf(run),
      prompt: beginningOf(prompt),
      result: beginningOf(result),
    })),
    next: next ?? null,
  };
}

/** The end of the daemon's log and what comes. What is not of the logger's form is left out. */
export async function* tellLog(
  { file, kept, clock }: { file: string; kept: number; clock: Clock },
  { level }: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  for await (const line of readLog({ file, kept, follow: true, lastBytes: LAST_BYTES, clock, signal })) {
    const entry = line === undefined ? undefined : readLogLine(line);
    if (entry !== undefined && isAtLeast(entry, level)) yield { type: 'log', ...entry };
  }
}

/** Never half of a character. */
function beginningOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const cut = text.slice(0, MOST_UNITS).trim();
  return cut.length < text.trim().length ? `${cut.replace(/[\ud800-\udbff]$/, '')}…` : cut;
}

const MOST_UNITS = 300;
const LAST_BYTES = 262_144;
