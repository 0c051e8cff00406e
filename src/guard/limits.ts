import type { ModelPrice } from '../protocol/models-config.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import type { Usage } from '../protocol/usage.ts';

/** The least that anybody said of each; nobody can say more than the owner. */
export function narrowestLimits(...said: (RunLimits | undefined)[]): RunLimits {
  const narrowest: Record<string, number> = {};
  for (const limits of said) {
    for (const [name, value] of Object.entries(limits ?? {})) {
      if (value !== undefined) narrowest[name] = Math.min(narrowest[name] ?? Infinity, value);
    }
  }
  return narrowest;
}

/** US dollars; cached input counts at its own price where there is one. */
export function costOf(usage: Usage, { input, output, cachedInput = input }: ModelPrice): number {
  const fresh = usage.inputTokens - usage.cachedInputTokens;
  const sum = fresh * input + usage.cachedInputTokens * cachedInput + usage.outputTokens * output;
  return sum / 1_000_000;
}
