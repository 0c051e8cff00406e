import type { z } from 'zod';
import { RunmeshError } from '../../kit/errors.ts';

/** Reads a JSON body by its schema; throws `bad_request` naming the field. An empty body is an empty object. */
export function readJson<T>(text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new RunmeshError('bad_request', 'The body is not valid JSON.');
  }
  return readInput(value, schema);
}

export function readInput<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = parse(value, schema);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  const message = issue?.message ?? 'invalid';
  throw new RunmeshError('bad_request', field === '' ? message : `${field}: ${message}`, {
    details: field === '' ? {} : { field },
  });
}

function parse<T>(value: unknown, schema: z.ZodType<T>): z.ZodSafeParseResult<T> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    // A body nested thousands deep overflows the stack of whoever walks it.
    if (error instanceof RangeError) throw new RunmeshError('bad_request', 'The body is nested too deep.');
    throw error;
  }
}
