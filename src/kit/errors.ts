/**
 * The one error class of the program. Its message is a sentence for a person: what happened, to what, and what to
 * do next. Its `code` is stable and is what callers decide by; nobody reads a message's text to decide.
 */
export class RunmeshError extends Error {
  override readonly name = 'RunmeshError';
  readonly code: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** Milliseconds the other side asked us to wait (`Retry-After`), where it said so. */
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: {
      cause?: unknown;
      retryable?: boolean;
      retryAfterMs?: number;
      details?: Record<string, unknown>;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }
}

export function isRunmeshError(error: unknown, code?: string): error is RunmeshError {
  return error instanceof RunmeshError && (code === undefined || error.code === code);
}

/** The sentence of anything that was thrown, for logs and for people; never a stack. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : JSON.stringify(error);
}

/** The `code` of a thrown thing (ours or a Node system error's), or `fallback`. */
export function codeOf(error: unknown, fallback = 'internal_error'): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return fallback;
}
