import { APICallError } from '@ai-sdk/provider';
import { isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';

/**
 * A model's failure as one error whose `retryable` and `retryAfterMs` say what follows. Decided by type, status and the
 * provider's own error codes, never by a message's text.
 */
export function failureOf(error: unknown, model: string, now: number): RunmeshError {
  if (isRunmeshError(error)) return error;
  if (APICallError.isInstance(error)) return callFailure(error, model, now);
  const type = errorType(error);
  if (type !== undefined && FINAL_TYPES.has(type)) {
    return new RunmeshError('model_error', `${model} refused the request: ${saidBy(error)}`, {
      cause: error,
    });
  }
  // A broken connection, or an error inside the stream that the provider calls its own.
  return new RunmeshError('model_error', `The connection to ${model} failed: ${saidBy(error)}`, {
    cause: error,
    retryable: true,
  });
}

function callFailure(error: APICallError, model: string, now: number): RunmeshError {
  const { statusCode, responseHeaders } = error;
  const details = { ...(statusCode !== undefined && { statusCode }) };
  if (statusCode === 404) {
    return new RunmeshError(
      'model_not_found',
      `The provider does not know the model ${model}. Check its name.`,
      {
        cause: error,
        details,
      },
    );
  }
  if (statusCode === 401 || statusCode === 403) {
    return new RunmeshError(
      'model_key_refused',
      `The provider of ${model} refused the key (${statusCode}). Check it.`,
      {
        cause: error,
        details,
      },
    );
  }
  // A broken connection after a good start is reported with the good start's status.
  const broken = statusCode === undefined || statusCode < 400;
  const retryable = broken || statusCode === 408 || statusCode === 429 || statusCode >= 500;
  const retryAfterMs = readRetryAfter(responseHeaders, now);
  const status = statusCode === undefined ? '' : ` (${statusCode})`;
  return new RunmeshError('model_error', `${model} answered with an error${status}: ${error.message}`, {
    cause: error,
    retryable,
    details,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3). */
export function readRetryAfter(headers: Record<string, string> | undefined, now: number): number | undefined {
  const millis = Number(headers?.['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(millis)) return Math.max(0, millis);
  const text = headers?.['retry-after'];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function errorType(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('type' in error && typeof error.type === 'string' && error.type !== 'error') return error.type;
  return 'error' in error ? errorType(error.error) : undefined;
}

function saidBy(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return messageOf(error);
}

/** Error types inside a stream (Anthropic's and OpenAI's names) that a repetition would meet again. */
const FINAL_TYPES: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'billing_error',
  'request_too_large',
  'insufficient_quota',
]);
