import { type DestinationStream, type Level, type Logger, pino } from 'pino';

/** Object first, a constant sentence second: `log.info({ runId }, 'run accepted')`. Never interpolate. */
export type Log = Logger;

/**
 * A JSON logger. Names that may hold a secret are masked wherever they stand on the first two levels; what a value
 * may hold, `mask` takes out.
 */
export function createLog(options: {
  level: Level | 'silent';
  destination: DestinationStream;
  /** Masks secrets in a line before it is written. */
  mask?: (line: string) => string;
}): Log {
  const secretNames = ['apiKey', 'authorization', 'credential', 'password', 'privateKey', 'secret', 'token'];
  return pino(
    {
      level: options.level,
      base: null,
      ...(options.mask && { hooks: { streamWrite: options.mask } }),
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
    },
    options.destination,
  );
}
