import { APICallError } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { failureOf, readRetryAfter } from '../../src/models/failure.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const called = (statusCode: number | undefined, responseHeaders: Record<string, string> = {}) =>
  new APICallError({
    message: 'no',
    url: 'http://x',
    requestBodyValues: {},
    responseHeaders,
    ...(statusCode !== undefined && { statusCode }),
  });

describe('a model’s failure', () => {
  it.each([
    [429, true],
    [408, true],
    [500, true],
    [529, true],
    [200, true],
    [undefined, true],
    [400, false],
    [413, false],
    [422, false],
  ])('with status %s is worth another try: %s', (status, retryable) => {
    expect(failureOf(called(status), 'm', NOW)).toMatchObject({ code: 'model_error', retryable });
  });

  it('names a model nobody knows and a key nobody accepts', () => {
    expect(failureOf(called(404), 'm', NOW)).toMatchObject({ code: 'model_not_found', retryable: false });
    expect(failureOf(called(401), 'm', NOW)).toMatchObject({ code: 'model_key_refused', retryable: false });
  });

  it('inside a stream is judged by the provider’s own type', () => {
    expect(failureOf({ type: 'overloaded_error', message: 'busy' }, 'm', NOW)).toMatchObject({
      retryable: true,
    });
    expect(
      failureOf({ type: 'error', error: { type: 'invalid_request_error', message: 'bad' } }, 'm', NOW),
    ).toMatchObject({ retryable: false });
    expect(failureOf(new TypeError('terminated'), 'm', NOW)).toMatchObject({ retryable: true });
  });

  it('waits as the provider asks: milliseconds, seconds, or until a date', () => {
    expect(readRetryAfter({ 'retry-after-ms': '250', 'retry-after': '9' }, NOW)).toBe(250);
    expect(readRetryAfter({ 'retry-after': '2' }, NOW)).toBe(2_000);
    expect(readRetryAfter({ 'retry-after': 'Thu, 01 Jan 2026 00:00:03 GMT' }, NOW)).toBe(3_000);
    expect(readRetryAfter({ 'retry-after': 'soon' }, NOW)).toBeUndefined();
    expect(readRetryAfter(undefined, NOW)).toBeUndefined();
  });
});
