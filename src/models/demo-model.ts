import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import { DEMO_MODEL } from '../protocol/demo.ts';
import { nextMove } from './demo-script.ts';

/** The scripted model of the demo, as a provider: it streams word by word and counts tokens by length. */
export function demoModel(clock: Clock): LanguageModelV3 {
  return {
    specificationVersion: 'v3',
    provider: 'runmesh',
    modelId: DEMO_MODEL,
    supportedUrls: {},
    doGenerate: () =>
      Promise.reject(new RunmeshError('not_supported', 'The demo’s model is used as a stream only.')),
    doStream: async (options) => ({ stream: ReadableStream.from(play(options, clock)) }),
  };
}

async function* play(
  { prompt, abortSignal }: LanguageModelV3CallOptions,
  clock: Clock,
): AsyncGenerator<LanguageModelV3StreamPart> {
  const { thought, said, calls } = nextMove(prompt);
  yield { type: 'stream-start', warnings: [] };
  for (const [type, id, text] of [
    ['reasoning', 'thought', thought],
    ['text', 'said', said],
  ] as const) {
    if (text === '') continue;
    yield { type: `${type}-start`, id };
    for (const delta of text.match(/\S+\s*/g) ?? []) {
      await clock.sleep(WORD_MS, abortSignal);
      abortSignal?.throwIfAborted();
      yield { type: `${type}-delta`, id, delta };
    }
    yield { type: `${type}-end`, id };
  }
  const turn = prompt.filter((message) => message.role === 'assistant').length + 1;
  for (const [index, { name, args }] of calls.entries()) {
    yield {
      type: 'tool-call',
      toolCallId: `call_${turn}_${index + 1}`,
      toolName: name,
      input: JSON.stringify(args),
    };
  }
  yield finish({ prompt, thought, said, calls });
}

function finish(
  move: ReturnType<typeof nextMove> & Pick<LanguageModelV3CallOptions, 'prompt'>,
): LanguageModelV3StreamPart {
  const reasoning = tokens(move.thought);
  const text = tokens(move.said + JSON.stringify(move.calls));
  const total = tokens(JSON.stringify(move.prompt));
  // What a provider's cache would hold: all up to the answer before.
  const known = move.prompt.findLastIndex((message) => message.role === 'assistant');
  const cacheRead = known < 0 ? 0 : tokens(JSON.stringify(move.prompt.slice(0, known)));
  return {
    type: 'finish',
    finishReason: { unified: move.calls.length > 0 ? 'tool-calls' : 'stop', raw: undefined },
    usage: {
      inputTokens: { total, noCache: total - cacheRead, cacheRead, cacheWrite: undefined },
      outputTokens: { total: text + reasoning, text, reasoning },
    },
  };
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

const WORD_MS = 12;
