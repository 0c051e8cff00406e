import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import type { Journal } from './journal.ts';

export interface ModelUsage {
  model: string;
  usage: Usage;
}

/** Tokens of the model steps committed from `fromMs` until before `untilMs` (epoch milliseconds), by model, the most first. */
export function usageBetween(journal: Journal, fromMs: number, untilMs: number): ModelUsage[] {
  const rows = journal.statements.get(SQL).all(fromMs, untilMs) as (Usage & { model: string })[];
  return rows.map(({ model, ...usage }) => ({ model, usage }));
}

const SUMS = Object.keys(NO_USAGE)
  .map((name) => `sum(json_extract(payload, '$.usage.${name}')) AS ${name}`)
  .join(', ');

/** By the index of steps: the words are the index's own. */
const SQL = `SELECT json_extract(payload, '$.model') AS model, ${SUMS} FROM events
  WHERE type = 'assistant_message' AND created_at >= ? AND created_at < ?
  GROUP BY 1 ORDER BY totalTokens DESC, model`;
