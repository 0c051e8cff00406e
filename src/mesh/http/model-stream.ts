import type { ServerResponse } from 'node:http';
import { isRunmeshError, messageOf, RunmeshError } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import type { ModelProxyError, ModelProxyRequest } from '../../protocol/model-proxy.ts';
import type { ModelGateway } from '../context.ts';

type Parts = AsyncIterable<{ type: string }>;

/** Opens a model's stream. Throws `model_not_found` (404), or `provider_error` (502) for whatever else failed. */
export async function openModelStream(
  models: ModelGateway,
  request: ModelProxyRequest,
  gone: AbortSignal,
): Promise<Parts> {
  try {
    return await models.stream(request, gone);
  } catch (error) {
    throw asProxyError(error);
  }
}

/** All parts of a stream as JSON; throws where the stream fails on its way. */
export async function collectParts(parts: Parts): Promise<unknown[]> {
  const collected: unknown[] = [];
  try {
    for await (const part of parts) {
      if (part.type === 'error') throw errorOfPart(part);
      collected.push(JSON.parse(lineOf(part)));
    }
  } catch (error) {
    throw asProxyError(error);
  }
  return collected;
}

/** Writes a stream as NDJSON, no faster than the caller reads; a caller that leaves stops the model. */
export async function writeParts(
  parts: Parts,
  response: ServerResponse,
  { requestId, log }: { requestId: string; log: Log },
): Promise<void> {
  response.writeHead(200, {
    'Content-Type': 'application/x-ndjson',
    'Cache-Control': 'no-transform, no-cache',
    'X-Accel-Buffering': 'no',
    'X-Request-ID': requestId,
  });
  response.flushHeaders();
  try {
    for await (const part of parts) {
      if (response.destroyed) return;
      if (part.type === 'error') throw errorOfPart(part);
      if (!response.write(`${lineOf(part)}\n`)) await drained(response);
    }
  } catch (error) {
    log.warn({ requestId, error: messageOf(error) }, 'a model stream failed');
    response.write(`${JSON.stringify(proxyLine(asProxyError(error)))}\n`);
  } finally {
    response.end();
  }
}

function proxyLine(error: RunmeshError): ModelProxyError {
  const { statusCode } = error.details;
  return {
    type: 'proxy_error',
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    ...(typeof statusCode === 'number' ? { statusCode } : {}),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** Any failure of a model as the proxy tells it. */
function asProxyError(error: unknown): RunmeshError {
  if (!isRunmeshError(error)) return new RunmeshError('provider_error', messageOf(error), { cause: error });
  const known = error.code === 'model_not_found';
  return new RunmeshError(known ? error.code : 'provider_error', error.message, {
    cause: error,
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    details: { ...error.details, ...(known ? { httpStatus: 404 } : {}) },
  });
}

/** The SDK reports a failure inside a stream as a part; the provider's own facts are on the error it carries. */
function errorOfPart(part: { type: string; error?: unknown }): RunmeshError {
  const { error } = part;
  if (isRunmeshError(error)) return error;
  const facts = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  return new RunmeshError('provider_error', messageOf(error), {
    cause: error,
    retryable: facts.isRetryable === true,
    details: typeof facts.statusCode === 'number' ? { statusCode: facts.statusCode } : {},
  });
}

/** Bytes (generated files) travel as base64, as they do in prompts. */
function lineOf(part: { type: string }): string {
  return JSON.stringify(part, (_key, value: unknown) => {
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('drain', resolve);
    response.once('close', resolve);
  });
}
