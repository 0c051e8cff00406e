import type { LanguageModelV3StreamPart } from '@ai-sdk/provider';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { AssistantPart } from '../protocol/content.ts';
import { checkJsonBounds } from '../protocol/read-frame.ts';
import type { StepResult } from './step.ts';
import type { ToldText } from './told-text.ts';
import { usageOf } from './usage.ts';

export interface StepTexts {
  text: ToldText;
  thinking: ToldText;
}

type Part = LanguageModelV3StreamPart;
type Metadata = AssistantPart['providerMetadata'];

/**
 * Reads one try of a step to its end, telling as it goes. Throws what the stream threw or reported, `stream_cut` when it
 * ended without saying so, and `stream_stalled` when nothing came for two minutes: both worth another try.
 */
export async function readStep(
  stream: ReadableStream<Part>,
  texts: StepTexts,
  clock: Clock,
  signal: AbortSignal,
): Promise<StepResult> {
  const reader = stream.getReader();
  const step = new Gathered(texts);
  const over = new AbortController();
  let heard = clock.monotonic();
  const stalled = watchStall(() => heard, clock, AbortSignal.any([signal, over.signal]));
  stalled.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), stalled]);
      if (done) break;
      heard = clock.monotonic();
      step.take(value);
    }
    return step.result();
  } finally {
    over.abort();
    reader.cancel().catch(() => {});
  }
}

/** The parts of a step so far, in the order in which they began. */
class Gathered {
  readonly #texts: StepTexts;
  readonly #content = new Map<string, AssistantPart>();
  readonly #toolCalls: StepResult['toolCalls'] = [];
  #end: Pick<StepResult, 'finishReason' | 'usage'> | undefined;

  constructor(texts: StepTexts) {
    this.#texts = texts;
  }

  take(part: Part): void {
    switch (part.type) {
      case 'text-start':
      case 'text-delta':
      case 'text-end':
        this.#say('text', part.id, 'delta' in part ? part.delta : '', part.providerMetadata as Metadata);
        break;
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        this.#say('reasoning', part.id, 'delta' in part ? part.delta : '', part.providerMetadata as Metadata);
        break;
      case 'tool-call':
        // What a provider executed by itself is not ours to run.
        if (part.providerExecuted) break;
        this.#toolCalls.push({
          callId: part.toolCallId,
          name: part.toolName,
          arguments: part.input,
          ...(part.providerMetadata &&
            canBeTold(part.providerMetadata) && {
              providerMetadata: part.providerMetadata as NonNullable<Metadata>,
            }),
        });
        break;
      case 'finish':
        this.#end = { finishReason: part.finishReason.unified, usage: usageOf(part.usage) };
        break;
      case 'error':
        throw part.error;
    }
  }

  result(): StepResult {
    if (this.#end === undefined) {
      throw new RunmeshError('stream_cut', 'The model’s answer was cut off.', { retryable: true });
    }
    this.#texts.text.finish();
    this.#texts.thinking.finish();
    const content = [...this.#content.values()].filter(
      (part) => part.text !== '' || part.providerMetadata !== undefined,
    );
    return { content, text: this.#texts.text.text, toolCalls: this.#toolCalls, ...this.#end };
  }

  #say(type: AssistantPart['type'], id: string, delta: string, providerMetadata: Metadata): void {
    const known = `${type} ${id}`;
    const key = this.#content.has(known) || this.#content.size < MOST_PARTS ? known : `${type} more`;
    const part: AssistantPart = this.#content.get(key) ?? { type, text: '' };
    part.text += delta;
    // Signatures come with the last delta or the end: the newest is the whole.
    if (providerMetadata !== undefined && canBeTold(providerMetadata))
      part.providerMetadata = { ...part.providerMetadata, ...providerMetadata };
    this.#content.set(key, part);
    if (delta !== '') (type === 'text' ? this.#texts.text : this.#texts.thinking).add(delta);
  }
}

/** What a provider adds must fit into an event, whatever endpoint it is that speaks its protocol. */
function canBeTold(metadata: object): boolean {
  return checkJsonBounds(JSON.stringify(metadata), MOST_METADATA_KEYS, MOST_METADATA_DEPTH) === undefined;
}

/** Rejects when nothing came for `STALL_MS`, or when the run was aborted. One timer a stream, not one a part. */
async function watchStall(lastHeard: () => number, clock: Clock, signal: AbortSignal): Promise<never> {
  for (;;) {
    const left = lastHeard() + STALL_MS - clock.monotonic();
    if (left <= 0) {
      const message = `The model said nothing for ${STALL_MS / 1_000} seconds.`;
      throw new RunmeshError('stream_stalled', message, { retryable: true });
    }
    await clock.sleep(left, signal);
    signal.throwIfAborted();
  }
}

const STALL_MS = 120_000;
/** A message is one event, of at most 10,000 keys (`LIMITS.maxJsonKeys`) on its way; what comes after these is joined to one. */
const MOST_PARTS = 500;
const MOST_METADATA_KEYS = 16;
const MOST_METADATA_DEPTH = 16;
