import { z } from 'zod';

/** The body of `POST /v1/model-proxy` and `/stream`. `options` are the AI SDK's provider-neutral call options (V3). */
export const modelProxyRequest = z.object({
  model: z.string().min(1),
  options: z.object({ prompt: z.array(z.record(z.string(), z.json())) }).catchall(z.json()),
  tier: z.literal('platform').default('platform'),
});
export type ModelProxyRequest = z.infer<typeof modelProxyRequest>;

/** A model failure as it crosses the proxy: in the error envelope before the stream, as a line inside it. */
export const modelProxyError = z.object({
  type: z.literal('proxy_error'),
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  statusCode: z.int().optional(),
  retryAfterMs: z.number().optional(),
});
export type ModelProxyError = z.infer<typeof modelProxyError>;

export const modelsAvailable = z.object({
  platform: z.array(z.object({ model: z.string(), displayName: z.string(), available: z.boolean() })),
  byok: z.array(
    z.object({
      model: z.string(),
      displayName: z.string(),
      requiresSecret: z.string(),
      available: z.boolean(),
    }),
  ),
});
export type ModelsAvailable = z.infer<typeof modelsAvailable>;
