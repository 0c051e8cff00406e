import { type DestinationStream, type Level, type Logger, pino } from 'pino';

/** Object first, a constant sentence second: `log.info({ runId }, 'run accepted')`. Never interpolate. */
export type Log = Logger;

/**
 * A JSON logger. Names that may hold a secret are masked wherever they stand on the first two levels; what a value
 * may hold is the guard's business.
 */
export function createLog(options: { level: Level | 'silent'; destination: DestinationStream }): Log {
  const secretNames = ['apiKey', 'authorization', 'credential', 'password', 'privateKey', 'secret', 'token'];
  return pino(
    {
      level: options.level,
      base: null,
      redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[hidden]' },
    },
    options.destination,
  );
}
