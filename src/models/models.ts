import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import { backoffWindow } from '../kit/backoff.ts';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { Random } from '../kit/random.ts';
import { failureOf } from './failure.ts';
import { keepModels } from './kept-models.ts';
import type { OpenedModel, ProviderAccess } from './providers.ts';
import { proxyModel } from './proxy.ts';
import { readStep } from './read-step.ts';
import type { Models, StepListener, StepRequest, StepResult } from './step.ts';
import { ToldText } from './told-text.ts';

export interface ModelsOptions extends ProviderAccess {
  clock: Clock;
  random: Random;
  /** The mesh's model proxy; without it only models with a provider's name can be used. */
  proxy: { url: string; apiKey: string } | undefined;
}

/** Models as a device reaches them: with its own keys, or by a bare name through the mesh. */
export function createModels(options: ModelsOptions): Models {
  const openProvider = keepModels(options);
  return {
    step: async (request, listener) => {
      const opened = await open(request.model, options, openProvider);
      return tryStep(opened, request, listener, options);
    },
  };
}

async function open(
  name: string,
  options: ModelsOptions,
  openProvider: ReturnType<typeof keepModels>,
): Promise<OpenedModel> {
  const { config, proxy, clock } = options;
  const meant = Object.hasOwn(config.aliases, name) ? (config.aliases[name] ?? name) : name;
  const slash = meant.indexOf('/');
  if (slash > 0) return openProvider(meant.slice(0, slash), meant.slice(slash + 1));
  if (proxy === undefined) {
    throw new RunmeshError(
      'model_not_found',
      `"${name}" has no provider before a slash, and this device has no mesh to ask for it. Use a name such as anthropic/${name}.`,
    );
  }
  return { model: proxyModel(meant, { ...proxy, fetch: options.fetch, now: clock.now }) };
}

/** Tries a step until it is whole. Tries after the first wait as the provider asks, or by a backoff with jitter. */
async function tryStep(
  opened: OpenedModel,
  request: StepRequest,
  listener: StepListener,
  { clock, random, config }: ModelsOptions,
): Promise<StepResult> {
  const { signal } = request;
  const texts = {
    text: new ToldText((offset, text) => listener.onText(offset, text)),
    thinking: new ToldText((offset, text) => listener.onThinking(offset, text)),
  };
  for (let attempt = 1; ; attempt += 1) {
    try {
      texts.text.restart();
      texts.thinking.restart();
      const { stream } = await opened.model.doStream(callOptions(opened, request));
      return await readStep(stream, texts, clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      const failure = failureOf(error, request.model, clock.now());
      if (!failure.retryable || attempt > config.maxRetries) throw finalFailure(failure, attempt);
      const { before, after } = backoffWindow(attempt - 1, random.unit(), BACKOFF);
      const delayMs = Math.min(MAX_WAIT_MS, failure.retryAfterMs ?? Math.max(before, after));
      listener.onRetry({ attempt, delayMs, code: failure.code, message: failure.message });
      await clock.sleep(delayMs, signal);
      signal.throwIfAborted();
    }
  }
}

function callOptions({ providerOptions }: OpenedModel, request: StepRequest): LanguageModelV3CallOptions {
  const { prompt, tools, sampling, signal } = request;
  return {
    prompt,
    ...sampling,
    ...(tools.length > 0 && { tools }),
    ...(providerOptions && { providerOptions }),
    abortSignal: signal,
  };
}

function finalFailure(failure: RunmeshError, attempts: number): RunmeshError {
  if (attempts === 1) return failure;
  const code = failure.code.startsWith('model_') ? failure.code : 'model_error';
  return new RunmeshError(code, `${failure.message} (tried ${attempts} times)`, { cause: failure });
}

const BACKOFF = { baseMs: 1_000, maxMs: 30_000 };
/** However long a provider asks us to wait, a run says no later than this that it is waiting still. */
const MAX_WAIT_MS = 120_000;
