import { z } from 'zod';

/**
 * What one run may use. The device's owner says the most; an agent and a run may say less. Reaching one ends the run as
 * failed with its code, everything it started is ended, and its usage is whole. Ours.
 */
export const runLimits = z.strictObject({
  /** Milliseconds at work: neither waiting for its turn or for its owner, nor while the machine sleeps. */
  wallMs: z.int().min(1_000).optional(),
  /** Model calls. */
  turns: z.int().min(1).optional(),
  /** Tokens in and out, of all model calls. */
  tokens: z.int().min(1).optional(),
  /** By `models.prices` of the device; a model without a price then cannot run. */
  costUsd: z.number().positive().optional(),
  /** Processes alive at once, of all its commands. */
  processes: z.int().min(1).optional(),
  /** Bytes that its commands write to their terminals. */
  outputBytes: z.int().min(1).optional(),
  /** Bytes written to disk: by tools, and by commands where the system counts them (Linux). */
  diskBytes: z.int().min(1).optional(),
});
export type RunLimits = z.infer<typeof runLimits>;
