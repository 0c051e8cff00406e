import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { ERROR_STATUS } from '../protocol/errors.ts';
import { LIMITS } from '../protocol/limits.ts';
import { checkJsonBounds } from '../protocol/read-frame.ts';

/** Refuses a body that is too large before it is read. */
export const boundBody = bodyLimit({ maxSize: LIMITS.requestBodyBytes, onError: () => refuse(tooLarge()) });

/** What is not there and what fails is answered as `{ error: { code, message } }`. */
export function answerFailures(app: Hono, log: Log): void {
  app.notFound((c) =>
    refuse(new RunmeshError('not_found', `There is no ${c.req.method} ${c.req.path} here.`)),
  );
  app.onError((error) => {
    if (!isRunmeshError(error)) log.error({ error: messageOf(error) }, 'a local request failed');
    return refuse(error);
  });
}

export function refuse(error: unknown): Response {
  const known = isRunmeshError(error) ? error : undefined;
  const status = known === undefined ? 500 : statusOf(known.code);
  const code = known?.code ?? 'internal_error';
  const message = known?.message ?? 'Something went wrong in the daemon; its log says what.';
  return Response.json({ error: { code, message } }, { status });
}

/** A body of JSON within bounds. Throws `bad_request`. */
export async function bodyOf(c: Context): Promise<unknown> {
  const words = await c.req.text();
  const bounds = checkJsonBounds(words, LIMITS.requestJsonKeys);
  if (bounds !== undefined) throw new RunmeshError('bad_request', `The body is ${bounds}.`);
  try {
    return JSON.parse(words);
  } catch (error) {
    throw new RunmeshError('bad_request', 'The body is not JSON.', { cause: error });
  }
}

/** What a caller said, by its schema. Throws `bad_request`, which names the field. */
export function read<T>(value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') || 'body';
  throw new RunmeshError('bad_request', `${field}: ${issue?.message ?? 'not valid'}`, { details: { field } });
}

/** A refusal with a code of its own (a run that has ended, a device that is not linked) is the caller's to mend. */
function statusOf(code: string): ContentfulStatusCode {
  return Object.hasOwn(ERROR_STATUS, code) ? ERROR_STATUS[code as keyof typeof ERROR_STATUS] : 409;
}

function tooLarge(): RunmeshError {
  return new RunmeshError('payload_too_large', `A body may have ${LIMITS.requestBodyBytes} bytes at most.`);
}
