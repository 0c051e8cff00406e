import { HTTPException } from 'hono/http-exception';
import { isRunmeshError, messageOf } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import { ERROR_STATUS } from '../../protocol/errors.ts';
import type { Allowance } from '../rate-limiter.ts';

/** A thrown error as the envelope every failed call answers with. What is not ours to show is logged, not told. */
export function errorReply(error: unknown, requestId: string, log: Log): Response {
  const known = isRunmeshError(error) ? error : undefined;
  const status = known === undefined ? statusOfLibrary(error) : statusOf(known.code, known.details);
  if (status >= 500 && status !== 501 && status !== 502) {
    log.error({ requestId, error: messageOf(error) }, 'a request failed');
  }
  const code =
    known?.code ?? (status === 413 ? 'payload_too_large' : status < 500 ? 'bad_request' : 'internal_error');
  const told = known !== undefined || status < 500;
  const field = known?.details.field;
  const body = {
    code,
    message: told ? messageOf(error) : 'Something went wrong in the mesh; its log says what.',
    requestId,
    ...(typeof field === 'string' ? { field } : {}),
    ...(status === 502 || code === 'model_not_found' ? providerFacts(known) : {}),
  };
  const headers = new Headers({ 'X-Request-ID': requestId });
  if (known?.retryAfterMs !== undefined)
    headers.set('Retry-After', String(Math.ceil(known.retryAfterMs / 1_000)));
  if (typeof known?.details.limit === 'number') {
    const told = allowanceHeaders(known.details as unknown as Allowance);
    for (const [name, value] of Object.entries(told)) headers.set(name, value);
  }
  if (status === 401) headers.set('WWW-Authenticate', 'Bearer');
  return Response.json({ error: body }, { status, headers });
}

/** RunTools' names; `Reset` is in seconds since 1970. */
export function allowanceHeaders({ limit, remaining, resetsAt }: Allowance): Record<string, string> {
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(Math.ceil(resetsAt / 1_000)),
  };
}

/** What a caller of the model proxy decides by. */
function providerFacts(
  error:
    | { retryable: boolean; retryAfterMs: number | undefined; details: Readonly<Record<string, unknown>> }
    | undefined,
): Record<string, unknown> {
  const statusCode = error?.details.statusCode;
  return {
    retryable: error?.retryable ?? false,
    ...(error?.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(typeof statusCode === 'number' ? { statusCode } : {}),
  };
}

function statusOf(code: string, details: Readonly<Record<string, unknown>>): number {
  if (Object.hasOwn(ERROR_STATUS, code)) return ERROR_STATUS[code as keyof typeof ERROR_STATUS];
  return typeof details.httpStatus === 'number' ? details.httpStatus : 500;
}

function statusOfLibrary(error: unknown): number {
  return error instanceof HTTPException ? error.status : 500;
}
