import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import { DEMO_MODEL } from '../protocol/demo.ts';
import type { ModelProxyRequest, ModelsAvailable } from '../protocol/model-proxy.ts';
import { availableModels, PLATFORM_MODELS } from './catalogue.ts';
import { demoModel } from './demo-model.ts';
import { failureOf } from './failure.ts';
import { keepModels } from './kept-models.ts';
import type { OpenedModel, ProviderAccess } from './providers.ts';

export interface GatewayOptions extends ProviderAccess {
  clock: Clock;
}

/** The mesh's way to models, with the mesh's own keys. Callers retry; the gateway says what went wrong and whether to. */
export function createModelGateway(options: GatewayOptions): {
  available(): ModelsAvailable;
  stream(request: ModelProxyRequest, signal: AbortSignal): Promise<AsyncIterable<{ type: string }>>;
} {
  const openProvider = keepModels(options);
  return {
    available: () => availableModels(options),
    stream: async ({ model, options: call }, signal) => {
      try {
        const { model: opened, providerOptions } = await openPlatformModel(model, options, openProvider);
        const { stream } = await opened.doStream({
          ...(call as unknown as LanguageModelV3CallOptions),
          // The caller's own headers would travel beside the mesh's key, `Host` among them.
          headers: {},
          ...(providerOptions && { providerOptions }),
          abortSignal: signal,
        });
        return sayFailures(stream, model, options.clock);
      } catch (error) {
        signal.throwIfAborted();
        throw failureOf(error, model, options.clock.now());
      }
    },
  };
}

async function openPlatformModel(
  name: string,
  options: GatewayOptions,
  openProvider: ReturnType<typeof keepModels>,
): Promise<OpenedModel> {
  if (name === DEMO_MODEL) return { model: demoModel(options.clock) };
  const { aliases } = options.config;
  const meant = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
  const slash = meant.indexOf('/');
  if (slash > 0) return openProvider(meant.slice(0, slash), meant.slice(slash + 1));
  const known = PLATFORM_MODELS.find(({ model }) => model === meant);
  if (known !== undefined) return openProvider(known.provider, known.model);
  const names = availableModels(options).platform.map(({ model }) => model);
  throw new RunmeshError(
    'model_not_found',
    `This mesh has no model named "${name}". It has ${names.join(', ')}.`,
  );
}

/** A failure inside the stream becomes an exception that says whether to try again. */
async function* sayFailures(
  stream: Awaited<ReturnType<LanguageModelV3['doStream']>>['stream'],
  model: string,
  clock: Clock,
): AsyncGenerator<{ type: string }> {
  try {
    for await (const part of stream) {
      if (part.type === 'error') throw part.error;
      yield part;
    }
  } catch (error) {
    throw failureOf(error, model, clock.now());
  }
}
