import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import type { Journal } from './journal.ts';

export interface DayOfModel {
  /** `2026-11-24`, by this machine's calendar. */
  day: string;
  model: string;
  usage: Usage;
}

/** Tokens of the model steps committed since `fromMs` (epoch milliseconds), by day and model; the newest day first. */
export function usageByDay(journal: Journal, fromMs: number): DayOfModel[] {
  const rows = journal.statements.get(SQL).all(fromMs, fromMs) as (Usage & { day: string; model: string })[];
  return rows.map(({ day, model, ...usage }) => ({ day, model, usage }));
}

const SUMS = Object.keys(NO_USAGE)
  .map((name) => `sum(json_extract(payload, '$.usage.${name}')) AS ${name}`)
  .join(', ');

/** Runs that ended before are not looked into. */
const SQL = `SELECT date(created_at / 1000, 'unixepoch', 'localtime') AS day, json_extract(payload, '$.model') AS model, ${SUMS}
  FROM runs JOIN events ON events.run_id = runs.run_id
  WHERE (runs.ended_at IS NULL OR runs.ended_at >= ?) AND events.type = 'assistant_message' AND events.created_at >= ?
  GROUP BY 1, 2 ORDER BY day DESC, totalTokens DESC, model`;
