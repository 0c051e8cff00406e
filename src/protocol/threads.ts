import { z } from 'zod';
import { executionMode } from './agents.ts';
import { deviceEvent } from './events.ts';

export const thread = z.object({
  id: z.string(),
  orgId: z.string(),
  ownerUserId: z.string(),
  agentId: z.string(),
  title: z.string().nullable(),
  executionMode,
  archived: z.boolean(),
  activeRolloutId: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Thread = z.infer<typeof thread>;

/**
 * The body of `POST /v1/threads/{threadId}/events`. Without `runSequence` on an event, the mesh numbers it; with it
 * (and `journalEpoch`), a repeated event is recognised and appended once. Those two fields are ours.
 */
export const appendRequest = z.object({
  events: z
    .array(deviceEvent.partial({ runSequence: true, createdAt: true }))
    .min(1)
    .max(500),
  runId: z.string(),
  rolloutId: z.string(),
  journalEpoch: z.string().optional(),
  attempt: z.int().min(1).optional(),
});
export type AppendRequest = z.infer<typeof appendRequest>;

export const appendAnswer = z.object({
  threadId: z.string(),
  rolloutId: z.string(),
  /** The thread's last sequence. */
  sequence: z.int().nonnegative(),
  /** Events this call added. */
  appended: z.int().nonnegative(),
  /** The run's last stored runSequence. Ours. */
  ackedRunSequence: z.int().nonnegative(),
});
export type AppendAnswer = z.infer<typeof appendAnswer>;
