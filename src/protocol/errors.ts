import { z } from 'zod';

/** Codes of the API's error envelope and the HTTP status each goes with. */
export const ERROR_STATUS = {
  bad_request: 400,
  unauthorized: 401,
  invalid_token: 401,
  token_expired: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  device_offline: 409,
  sequence_conflict: 409,
  stale_attempt: 409,
  run_ended: 409,
  payload_too_large: 413,
  rate_limited: 429,
  internal_error: 500,
  not_implemented: 501,
  provider_error: 502,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

export const errorEnvelope = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    requestId: z.string(),
    /** The field the request went wrong at, as a path (`config.maxTurns`). Ours. */
    field: z.string().optional(),
  }),
});

/**
 * Why a run failed, in `run_completed.payload.error.code`. Open-ended: a provider's or tool's own code may stand there
 * too, so a reader must take any string.
 */
export const RUN_ERROR_CODES = [
  'rejected_invalid',
  'rejected_forbidden',
  'rejected_unsupported',
  'deadline_exceeded',
  'device_revoked',
  'journal_lost',
  'max_turns',
  'limit_wall_time',
  'limit_tokens',
  'limit_cost',
  'limit_processes',
  'limit_output',
  'limit_disk',
  'model_not_found',
  'model_error',
  'model_key_missing',
  'model_key_refused',
  'workspace_missing',
  'sandbox_unavailable',
  'disk_full',
  'poisoned_step',
  'internal_error',
] as const;

export const runError = z.object({ code: z.string(), message: z.string() });
export type RunError = z.infer<typeof runError>;
