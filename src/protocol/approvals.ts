import { z } from 'zod';

/** What a person can say to a question of a run. */
export const approvalDecision = z.enum(['once', 'run', 'always', 'no']);

/** The body of `POST /v1/run/{runId}/approvals/{approvalId}`, and of the local door's. */
export const approvalAnswer = z.strictObject({
  decision: approvalDecision,
  /** To the model, with a `no`. */
  words: z.string().min(1).max(10_000).optional(),
});
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

/** Beyond the sandbox: nothing (the device asks before what is not known to only read), or all that its owner may do. */
export const approvalOpens = z.enum(['nothing', 'outside_sandbox']);
export type ApprovalOpens = z.infer<typeof approvalOpens>;

export const approvalRequested = z.object({
  approvalId: z.string(),
  callId: z.string(),
  tool: z.string(),
  /** Exactly what would be done: characters that do not show are written as escapes. */
  what: z.string(),
  workdir: z.string(),
  /** The model's own words. */
  reason: z.string().nullable(),
  opens: approvalOpens,
  /** The words with which a command may begin that `always` would allow; `null` where it is not offered. */
  prefix: z.array(z.string()).nullable(),
  /** Whether `run` is offered: beyond the sandbox only for plain words, since nobody can tell what others would do next time. */
  forRun: z.boolean().default(true),
  /** A hash of what the answer is bound to: folder, shell, and the files that the call names. */
  subject: z.string(),
  expiresAt: z.string(),
});
export type ApprovalRequest = z.infer<typeof approvalRequested>;

export const approvalResolved = z.object({
  approvalId: z.string(),
  callId: z.string(),
  decision: z.enum([...approvalDecision.options, 'timed_out']),
  words: z.string().optional(),
  /** By which way the answer came: `cli`, `page`, `dialog`, `mesh`, `clock`. */
  by: z.string(),
});
export type ApprovalResolution = z.infer<typeof approvalResolved>;
