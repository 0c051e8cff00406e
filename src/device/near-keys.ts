import type { z } from 'zod';

/** The keys a zod schema allows under a path; `*` stands for names of the reader's choosing (a record's keys). */
export function knownKeysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let at: unknown = schema;
  for (const segment of path) at = childOf(at, segment);
  const def = unwrap(at);
  if (def?.shape !== undefined) return Object.keys(def.shape);
  return def?.valueType === undefined ? [] : ['*'];
}

/** Known keys that a typing slip may have meant, nearest first. */
export function nearKeys(key: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, distance: editDistance(key.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate)
    .slice(0, 3);
}

interface Definition {
  shape?: Record<string, unknown>;
  valueType?: unknown;
  innerType?: unknown;
}

function childOf(schema: unknown, key: string): unknown {
  const def = unwrap(schema);
  return def?.shape?.[key] ?? def?.valueType;
}

/** Through `optional()`, `default()` and the like, down to what holds the keys. */
function unwrap(schema: unknown): Definition | undefined {
  const def = (schema as { def?: Definition } | undefined)?.def;
  return def?.innerType === undefined ? def : unwrap(def.innerType);
}

/** Letters to insert, delete or replace to turn one word into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
