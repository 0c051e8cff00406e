import { z } from 'zod';

const tokens = z.int().nonnegative();

/**
 * Tokens of a run, summed over its model steps. `promptTokens` and `inputTokens` are the same number, and so are
 * `completionTokens` and `outputTokens`: RunTools answers with both names. Cached input is part of the input,
 * reasoning part of the output.
 */
export const usage = z.object({
  promptTokens: tokens,
  completionTokens: tokens,
  totalTokens: tokens,
  inputTokens: tokens,
  outputTokens: tokens,
  cachedInputTokens: tokens,
  reasoningTokens: tokens,
});
export type Usage = z.infer<typeof usage>;

export const NO_USAGE: Usage = {
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
};
