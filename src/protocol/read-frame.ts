import type { z } from 'zod';
import { LIMITS } from './limits.ts';

export type ReadFrame<Frame> =
  | { kind: 'frame'; frame: Frame }
  /** A type this version does not know: counted and passed over, both ends may be upgraded apart. */
  | { kind: 'unknown'; type: string }
  | { kind: 'malformed'; reason: string };

/** Reads one text frame by a table of schemas. Never throws, whatever the text. */
export function readFrame<Table extends Record<string, z.ZodType>>(
  text: string,
  table: Table,
): ReadFrame<{ [Name in keyof Table]: z.infer<Table[Name]> }[keyof Table]> {
  const bounds = checkJsonBounds(text);
  if (bounds !== undefined) return { kind: 'malformed', reason: bounds };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'malformed', reason: 'not JSON' };
  }
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') {
    return { kind: 'malformed', reason: 'no type' };
  }
  const schema = Object.hasOwn(table, value.type) ? table[value.type] : undefined;
  if (schema === undefined) return { kind: 'unknown', type: value.type.slice(0, 100) };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: 'frame', frame: parsed.data as never };
  const issue = parsed.error.issues[0];
  return {
    kind: 'malformed',
    reason: `${value.type}.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
  };
}

/** Depth and key count, read off the text before a parser spends memory on it; what is wrong, in words. */
export function checkJsonBounds(
  text: string,
  maxKeys: number = LIMITS.maxJsonKeys,
  maxDepth: number = LIMITS.maxJsonDepth,
): string | undefined {
  let depth = 0;
  let keys = 0;
  let inString = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i += 1;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) inString = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      depth += 1;
      if (depth > maxDepth) return `nested deeper than ${maxDepth}`;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) depth -= 1;
    else if (char === COLON) {
      keys += 1;
      if (keys > maxKeys) return `of more than ${maxKeys} keys`;
    }
  }
  return undefined;
}

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
