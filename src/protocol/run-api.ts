import { z } from 'zod';
import { executionMode, runConfig } from './agents.ts';
import { inputMessage } from './content.ts';
import { runError } from './errors.ts';
import { usage } from './usage.ts';

export const runMetadata = z.record(z.string(), z.json());

/** Free for the caller but for two names, which must be what they are: a run in another folder would be no small mistake. */
const requestMetadata = z
  .object({
    /** A name in the device's config. */
    workspace: z.string().min(1).nullish(),
    /** Refuses the run where its device is away. */
    failIfOffline: z.boolean().nullish(),
  })
  .catchall(z.json());

/** The body of `POST /v1/run`. */
export const runRequest = z
  .object({
    agent: z.string().min(1),
    prompt: z.string().min(1).optional(),
    messages: z.array(inputMessage).min(1).optional(),
    /** Left out or `true`: SSE. `false`: one JSON answer when the run has ended. */
    stream: z.boolean().optional(),
    threadId: z.string().min(1).optional(),
    config: runConfig.optional(),
    metadata: requestMetadata.optional(),
  })
  .superRefine((body, context) => {
    if (body.prompt === undefined && body.messages === undefined) {
      context.addIssue({ code: 'custom', path: ['prompt'], message: 'give prompt or messages' });
    }
    if (body.prompt !== undefined && body.messages !== undefined) {
      context.addIssue({ code: 'custom', path: ['messages'], message: 'give prompt or messages, not both' });
    }
  });
export type RunRequest = z.infer<typeof runRequest>;

/** `registered`: stored, its device has not taken it yet. `dispatched`: the device committed it. */
export const runStatus = z.enum(['registered', 'dispatched', 'running', 'completed', 'failed', 'cancelled']);
export type RunStatus = z.infer<typeof runStatus>;

/** A run's record: the answer of `POST /v1/run` and `GET /v1/run/{runId}`. */
export const runRecord = z.object({
  runId: z.string(),
  sandboxId: z.string().nullable(),
  threadId: z.string(),
  rolloutId: z.string(),
  executionMode,
  targetDeviceId: z.string().nullable(),
  status: runStatus,
  result: z.string().nullable(),
  usage,
  iterations: z.int().nonnegative(),
  error: runError.optional(),
  agent: z.string(),
  createdAt: z.string(),
  completedAt: z.string().nullable(),
  /** Whether the run's device is connected now; `null` where a run has no device. Ours. */
  deviceOnline: z.boolean().nullable(),
});
export type RunRecord = z.infer<typeof runRecord>;

/** A row of `GET /v1/run`. */
export const runListItem = z.object({
  id: z.string(),
  sandboxId: z.string().nullable(),
  agentId: z.string(),
  agent: z.string(),
  threadId: z.string(),
  userId: z.string(),
  status: runStatus,
  createdAt: z.string(),
});

export const steerRequest = z.object({ text: z.string().min(1).max(100_000) });

export const paging = z.object({
  limit: z.coerce.number().int().min(1).optional(),
  cursor: z.string().optional(),
});
