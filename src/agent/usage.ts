import type { RunEvent } from '../protocol/events.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';

/** A run's usage is the sum of its committed steps and nothing else, so a replay can never count a step twice. */
export function usageOf(events: readonly RunEvent[]): Usage {
  let total = NO_USAGE;
  for (const event of events) {
    if (event.type === 'assistant_message') total = addUsage(total, event.payload.usage);
  }
  return total;
}

/** Model steps committed. */
export function iterationsOf(events: readonly RunEvent[]): number {
  return events.filter((event) => event.type === 'assistant_message').length;
}

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}
