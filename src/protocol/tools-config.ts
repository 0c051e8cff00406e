import { z } from 'zod';

/** Who answers the `web_search` tool: `webSearch` in the device's config. */
export const webSearchConfig = z.discriminatedUnion('provider', [
  z.strictObject({
    provider: z.literal('brave'),
    apiKeyEnv: z.string().default('BRAVE_API_KEY'),
    baseUrl: z.url().optional(),
  }),
  z.strictObject({
    provider: z.literal('tavily'),
    apiKeyEnv: z.string().default('TAVILY_API_KEY'),
    baseUrl: z.url().optional(),
  }),
  z.strictObject({ provider: z.literal('searxng'), baseUrl: z.url() }),
]);
export type WebSearchConfig = z.infer<typeof webSearchConfig>;
