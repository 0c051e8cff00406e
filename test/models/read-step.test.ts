import type { LanguageModelV3StreamPart } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { readStep } from '../../src/models/read-step.ts';
import { ToldText } from '../../src/models/told-text.ts';
import { LIMITS } from '../../src/protocol/limits.ts';
import { checkJsonBounds } from '../../src/protocol/read-frame.ts';

it('is a message that fits into an event, in however many parts and with whatever else an endpoint sends it', async () => {
  let nested: object = { a: 'x' };
  for (let n = 0; n < 100; n += 1) nested = { a: nested };
  const parts: LanguageModelV3StreamPart[] = [];
  for (let n = 0; n < 3_000; n += 1) {
    const [type, id] = [n % 2 === 0 ? 'text' : 'reasoning', `p${n}`] as const;
    const providerMetadata = { odd: n % 3 === 0 ? { nested } : { signature: `s${n}` } } as never;
    parts.push({ type: `${type}-start`, id }, { type: `${type}-delta`, id, delta: `${n} ` });
    parts.push({ type: `${type}-end`, id, providerMetadata });
  }
  parts.push({
    type: 'tool-call',
    toolCallId: 'c',
    toolName: 't',
    input: '{}',
    providerMetadata: { odd: nested } as never,
  });
  parts.push({
    type: 'finish',
    finishReason: { unified: 'stop', raw: 'stop' },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    },
  });
  const told = () => new ToldText(() => {});
  const stream = new ReadableStream<LanguageModelV3StreamPart>({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
  const texts = { text: told(), thinking: told() };
  const step = await readStep(stream, texts, systemClock, new AbortController().signal);
  expect(
    step.content
      .map(({ text }) => text)
      .join('')
      .split(' ')
      .filter(Boolean)
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
  expect(step.content[1]).toMatchObject({
    type: 'reasoning',
    text: '1 ',
    providerMetadata: { odd: { signature: 's1' } },
  });
  expect(checkJsonBounds(JSON.stringify(step), LIMITS.maxJsonKeys - 100, 20)).toBeUndefined();
});
