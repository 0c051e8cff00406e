import type { LanguageModelV3Usage } from '@ai-sdk/provider';
import type { Usage } from '../protocol/usage.ts';

/** A provider's count in the API's words; what a provider does not say counts as nothing. */
export function usageOf({ inputTokens, outputTokens }: LanguageModelV3Usage): Usage {
  const input = whole(inputTokens.total ?? (inputTokens.noCache ?? 0) + (inputTokens.cacheRead ?? 0));
  const output = whole(outputTokens.total ?? (outputTokens.text ?? 0) + (outputTokens.reasoning ?? 0));
  return {
    promptTokens: input,
    completionTokens: output,
    totalTokens: input + output,
    inputTokens: input,
    outputTokens: output,
    cachedInputTokens: whole(inputTokens.cacheRead ?? 0),
    reasoningTokens: whole(outputTokens.reasoning ?? 0),
  };
}

function whole(count: number): number {
  return Number.isFinite(count) ? Math.max(0, Math.round(count)) : 0;
}
