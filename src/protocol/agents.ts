import { z } from 'zod';
import { LIMITS } from './limits.ts';
import { runLimits } from './run-limits.ts';

export const executionMode = z.enum(['in_sandbox', 'managed', 'local-mac']);
export type ExecutionMode = z.infer<typeof executionMode>;

const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'lower-case letters, digits, - and _, at most 64');

const sampling = {
  maxTokens: z.int().min(1).max(128_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.int().min(1).optional(),
  presencePenalty: z.number().min(-2).max(2).optional(),
  frequencyPenalty: z.number().min(-2).max(2).optional(),
};

/** The body of `POST /v1/agents`, which creates or replaces the agent with this slug. */
export const agentUpsert = z
  .object({
    slug,
    name: z.string().min(1).max(200).optional(),
    description: z.string().max(2_000).optional(),
    model: z.string().min(1).max(200),
    systemPrompt: z.string().max(200_000).optional(),
    /** Tool slugs. Left out: every tool the device has. Empty: none. */
    tools: z.array(z.string().min(1).max(100)).max(100).optional(),
    sandbox: z.record(z.string(), z.json()).or(z.string()).optional(),
    executionMode: executionMode.default('in_sandbox'),
    targetDeviceId: z.string().min(1).optional(),
    resources: z
      .array(z.object({ type: z.enum(['workspace', 'sandbox']), resourceId: z.string() }))
      .max(20)
      .optional(),
    env: z.record(z.string(), z.string()).optional(),
    maxIterations: z.int().min(1).max(100).optional(),
    /** Less than the device allows a run. Ours. */
    limits: runLimits.optional(),
    ...sampling,
  })
  .superRefine((agent, context) => {
    if (agent.executionMode !== 'local-mac') return;
    if (agent.targetDeviceId === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['targetDeviceId'],
        message: 'a local-mac agent needs the id of the device it runs on',
      });
    }
    if (agent.sandbox !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['sandbox'],
        message: 'a local-mac agent runs on its device and cannot declare a sandbox',
      });
    }
  });
export type AgentUpsert = z.infer<typeof agentUpsert>;

/** An agent's whole definition, as it travels in a dispatch. */
export const agentDefinition = z.object({
  id: z.string(),
  slug: z.string(),
  version: z.int().min(1),
  name: z.string().optional(),
  description: z.string().optional(),
  model: z.string(),
  systemPrompt: z.string().optional(),
  tools: z.array(z.string()).optional(),
  executionMode,
  targetDeviceId: z.string().optional(),
  sandbox: z.record(z.string(), z.json()).or(z.string()).optional(),
  resources: z.array(z.object({ type: z.enum(['workspace', 'sandbox']), resourceId: z.string() })).optional(),
  env: z.record(z.string(), z.string()).optional(),
  maxIterations: z.int().optional(),
  limits: runLimits.optional(),
  ...sampling,
});
export type AgentDefinition = z.infer<typeof agentDefinition>;

export const agentUpsertAnswer = z.object({
  id: z.string(),
  slug: z.string(),
  action: z.enum(['created', 'updated', 'unchanged']),
  version: z.int(),
  sandboxId: z.string().nullable(),
  targetDeviceId: z.string().nullable(),
  endpoint: z.string(),
});
export type AgentUpsertAnswer = z.infer<typeof agentUpsertAnswer>;

export const runConfig = z.object({
  maxTokens: z.int().min(1).max(128_000).optional(),
  maxTurns: z.int().min(1).max(LIMITS.maxTurns).optional(),
  temperature: z.number().min(0).max(2).optional(),
  /** Milliseconds from registration after which the run fails with `deadline_exceeded`. Ours. */
  deadlineMs: z
    .int()
    .min(1_000)
    .max(30 * 86_400_000)
    .optional(),
  /** Less than the device, and the agent, allow. Ours. */
  limits: runLimits.optional(),
});
