import { z } from 'zod';

/** pino's levels, the least first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line of the daemon's log. Its other fields are what the line is about. */
export const logEntry = z.object({
  level: z.enum(LOG_LEVELS),
  /** ISO 8601. */
  time: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
export type LogEntry = z.infer<typeof logEntry>;

/** pino writes levels as 10, 20 … 60, and the time as epoch milliseconds. `undefined` for what is no such line. */
export function readLogLine(line: string): LogEntry | undefined {
  const parsed = pinoLine.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { level, time, msg, ...fields } = parsed.data;
  const name = LOG_LEVELS[Math.min(5, Math.max(0, Math.floor(level / 10) - 1))] ?? 'info';
  return { level: name, time: new Date(time).toISOString(), message: msg, fields };
}

/** Whether a line is of this level or worse. */
export function isAtLeast(entry: LogEntry, level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(entry.level) >= LOG_LEVELS.indexOf(level);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A time within what a `Date` can say. */
const pinoLine = z.looseObject({
  level: z.number(),
  time: z.number().min(-8.64e15).max(8.64e15),
  msg: z.string().default(''),
});
