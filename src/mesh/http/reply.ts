import { RunmeshError } from '../../kit/errors.ts';

/** What a handler answers: an envelope's `data`, a page of a list, or an answer it made or wrote itself. */
export type Reply =
  | { kind: 'data'; status: 200 | 201; data: unknown }
  | { kind: 'page'; data: unknown; nextCursor: string | null }
  | { kind: 'response'; response: Response }
  | { kind: 'streamed' };

export function ok(data: unknown, status: 200 | 201 = 200): Reply {
  return { kind: 'data', status, data };
}

/** For handlers that wrote to the call's `response` themselves. */
export const STREAMED: Reply = { kind: 'streamed' };

export interface PageQuery {
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** How many rows to read: the page and one more, which tells whether there is another page. */
export function readLimit(query: PageQuery, cap: number): number {
  return Math.min(query.limit ?? cap, cap);
}

/** A list's cursor is the `seq` of the last row of the page before; lists run from the newest row to the oldest. */
export function readBefore(query: PageQuery): number {
  return query.cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.cursor);
}

export function readCursor(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new RunmeshError('bad_request', 'cursor: give back the nextCursor of the page before', {
    details: { field: 'cursor' },
  });
}

/** `rows` holds up to `limit + 1` rows; `positionOf` is what the next page's cursor names. */
export function page<Row>(
  rows: Row[],
  limit: number,
  positionOf: (row: Row) => number,
  show: (rows: Row[]) => unknown,
): Reply {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { kind: 'page', data: show(shown), nextCursor: more ? String(positionOf(last)) : null };
}
