import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { RunmeshError } from '../../kit/errors.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { checkJsonBounds } from '../../protocol/read-frame.ts';

/** Reads a request's body; throws `payload_too_large`, before reading it where its length says so. */
export async function readBody(incoming: IncomingMessage): Promise<string> {
  if (Number(incoming.headers['content-length'] ?? 0) > LIMITS.requestBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIMITS.requestBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  // What a form of a web page can send without its browser asking us first is not JSON by its own word.
  if (bytes > 0 && !JSON_TYPE.test(incoming.headers['content-type'] ?? 'application/json')) {
    throw new RunmeshError('bad_request', 'Send the body as JSON, with `Content-Type: application/json`.');
  }
  return Buffer.concat(chunks).toString();
}

/** Reads a JSON body by its schema; throws `bad_request` naming the field. An empty body is an empty object. */
export function readJson<T>(text: string, schema: z.ZodType<T>): T {
  const bounds = checkJsonBounds(text, LIMITS.requestJsonKeys);
  if (bounds !== undefined) throw new RunmeshError('bad_request', `The body is ${bounds}.`);
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new RunmeshError('bad_request', 'The body is not valid JSON.');
  }
  return readInput(value, schema);
}

export function readInput<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  const message = issue?.message ?? 'invalid';
  throw new RunmeshError('bad_request', field === '' ? message : `${field}: ${message}`, {
    details: field === '' ? {} : { field },
  });
}

function tooLarge(): RunmeshError {
  return new RunmeshError('payload_too_large', `A body may have at most ${LIMITS.requestBodyBytes} bytes.`);
}

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;
