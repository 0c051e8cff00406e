import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import { codeOf, RunmeshError } from '../kit/errors.ts';
import { errorEnvelope } from '../protocol/errors.ts';
import { modelProxyError } from '../protocol/model-proxy.ts';
import { readRetryAfter } from './failure.ts';

export interface ProxyAccess {
  /** The mesh's address. */
  url: string;
  apiKey: string;
  fetch: typeof fetch;
  now(): number;
}

/** A model of the mesh, reached through its proxy: the provider interface over lines of JSON. */
export function proxyModel(name: string, access: ProxyAccess): LanguageModelV3 {
  return {
    specificationVersion: 'v3',
    provider: 'runmesh',
    modelId: name,
    supportedUrls: {},
    doGenerate: () =>
      Promise.reject(new RunmeshError('not_supported', 'The model proxy is used as a stream only.')),
    doStream: async (options) => {
      const response = await ask(name, options, access);
      return {
        stream: response
          .pipeThrough(new TextDecoderStream())
          .pipeThrough(splitLines())
          .pipeThrough(readParts(name)),
      };
    },
  };
}

async function ask(
  model: string,
  { abortSignal, ...options }: LanguageModelV3CallOptions,
  { url, apiKey, fetch, now }: ProxyAccess,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(`${url}/v1/model-proxy/stream`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, options, tier: 'platform' }),
    ...(abortSignal && { signal: abortSignal }),
  });
  if (response.ok && response.body !== null) return response.body;
  const body = errorEnvelope.safeParse(await response.json().catch(() => undefined));
  const { status } = response;
  const retryAfterMs = readRetryAfter(Object.fromEntries(response.headers), now());
  const said = body.success ? body.data.error : { code: 'model_error', message: `status ${status}` };
  throw new RunmeshError(
    status === 404 ? 'model_not_found' : 'model_error',
    `The mesh could not reach the model ${model}: ${said.message}`,
    {
      retryable: status === 429 || (status >= 500 && status !== 501),
      details: { statusCode: status },
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

function splitLines(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform: (chunk, controller) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') controller.enqueue(line);
    },
    flush: (controller) => {
      if (rest !== '') controller.enqueue(rest);
    },
  });
}

function readParts(model: string): TransformStream<string, LanguageModelV3StreamPart> {
  return new TransformStream({
    transform: (line, controller) => {
      const part = JSON.parse(line) as LanguageModelV3StreamPart | { type: 'proxy_error' };
      if (part.type !== 'proxy_error') {
        controller.enqueue(part);
        return;
      }
      const { code, message, retryable, retryAfterMs } = modelProxyError.parse(part);
      const error = new RunmeshError(codeOf({ code }), `${model}: ${message}`, {
        retryable,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      });
      controller.enqueue({ type: 'error', error });
    },
  });
}
