import { textOf } from '../protocol/content.ts';
import type { Journal } from './journal.ts';
import { type JournaledRun, RUN_COLUMNS, type RunRow, runOf } from './read-run.ts';

export interface FoundRun {
  run: JournaledRun;
  prompt: string | undefined;
  /** `undefined` until the run has ended. */
  result: string | undefined;
}

export interface SearchAnswer {
  runs: FoundRun[];
  /** Where the next search goes on; `undefined` at the oldest run. */
  next: number | undefined;
}

/**
 * The newest runs whose id, agent, prompt or result holds the words, without regard to case, that came before turn `before`. Orders carry
 * their threads' histories, so one search reads so many runs and bytes at most, and the caller goes on from `next`: the
 * daemon does not stand still for a long journal.
 */
export function searchRuns(
  journal: Journal,
  { search, before, limit }: { search: string; before?: number | undefined; limit: number },
): SearchAnswer {
  const rows = journal.statements
    .get(
      `SELECT ${RUN_COLUMNS}, turn, (SELECT payload FROM events WHERE events.run_id = runs.run_id
         AND type = 'run_completed' AND run_sequence = committed) AS end
       FROM runs WHERE turn < ? ORDER BY turn DESC`,
    )
    .iterate(before ?? Number.MAX_SAFE_INTEGER) as Iterable<SearchedRow>;
  const words = search.trim().toLowerCase();
  const runs: FoundRun[] = [];
  let looked = 0;
  let bytes = 0;
  for (const row of rows) {
    const found = foundOf(row);
    if (holds(found, words)) runs.push(found);
    looked += 1;
    bytes += row.dispatch.length;
    if (runs.length >= limit || looked >= MOST_LOOKED || bytes >= MOST_BYTES) {
      return { runs, next: row.turn > 1 ? row.turn : undefined };
    }
  }
  return { runs, next: undefined };
}

type SearchedRow = RunRow & { turn: number; end: string | null };

function foundOf(row: SearchedRow): FoundRun {
  const run = runOf(row);
  const prompt = run.order.input.findLast(({ role }) => role === 'user');
  const end = row.end === null ? undefined : (JSON.parse(row.end) as { result: string | null });
  return { run, prompt: prompt && textOf(prompt), result: end?.result ?? undefined };
}

function holds({ run, prompt = '', result = '' }: FoundRun, words: string): boolean {
  if (words === '') return true;
  return [run.runId, run.order.agent.slug, prompt, result].some((text) => text.toLowerCase().includes(words));
}

const MOST_LOOKED = 500;
const MOST_BYTES = 8_388_608;
