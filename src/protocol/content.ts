import { z } from 'zod';

/** What a caller says: text parts, as `POST /v1/run` takes them. */
export const textPart = z.object({ type: z.literal('text'), text: z.string() });

export const inputMessage = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.string().optional(),
  parts: z.array(textPart).optional(),
});
export type InputMessage = z.infer<typeof inputMessage>;

/** All that a caller said in one message: it may have both. */
export function textOf({ content, parts = [] }: InputMessage): string {
  return [content, ...parts.map(({ text }) => text)].filter((one) => one !== undefined).join('\n');
}

const providerMetadata = z.record(z.string(), z.record(z.string(), z.json())).optional();

/** What a model said in one step, in the order it said it. Tool calls are events of their own. */
export const assistantPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string(), providerMetadata }),
  z.object({ type: z.literal('reasoning'), text: z.string(), providerMetadata }),
]);
export type AssistantPart = z.infer<typeof assistantPart>;

/** What a tool gave back: text, and images as base64 without a data URL's head. */
export const toolOutputPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image'), mediaType: z.string(), data: z.string() }),
]);
export type ToolOutputPart = z.infer<typeof toolOutputPart>;

export const modelProviderMetadata = providerMetadata;

/** Stands where a secret was masked, in whatever a device sends. */
export const SECRET_MASK = '[redacted secret]';
