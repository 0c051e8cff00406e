import { z } from 'zod';

const dollars = z.number().nonnegative();

export const modelPrice = z.strictObject({
  input: dollars,
  output: dollars,
  cachedInput: dollars.optional(),
});
export type ModelPrice = z.infer<typeof modelPrice>;

/** What a device's owner, or a mesh's, says about models: `models` in the config. */
export const modelsConfig = z.strictObject({
  /** Short names for models: `{ "fast": "openai/gpt-5-mini" }`. */
  aliases: z.record(z.string().min(1), z.string().min(1)).default({}),
  /** Further endpoints, by the name that stands before the slash of a model's name. */
  providers: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and -'),
      z.strictObject({
        type: z.literal('openai-compatible'),
        baseUrl: z.url(),
        /** The environment variable that holds the key; none is sent without it. */
        apiKeyEnv: z.string().optional(),
        headers: z.record(z.string(), z.string()).optional(),
      }),
    )
    .default({}),
  /** US dollars for a million tokens, by the name a run gives its model; what `limits.costUsd` counts with. */
  prices: z.record(z.string().min(1), modelPrice).default({}),
  /** How often a failed model call is tried again. */
  maxRetries: z.int().min(0).max(20).default(5),
});
export type ModelsConfig = z.infer<typeof modelsConfig>;

/** The built-in providers and the variables that hold their keys, the first that is set. */
export const PROVIDER_KEYS = {
  anthropic: ['ANTHROPIC_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
} as const;
export type BuiltInProvider = keyof typeof PROVIDER_KEYS;

/** What a config without `models` means. */
export const NO_MODELS_CONFIG: ModelsConfig = { aliases: {}, providers: {}, prices: {}, maxRetries: 5 };
