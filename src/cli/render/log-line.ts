import { z } from 'zod';
import { clean, cleanLine } from './clean.ts';
import type { Paint } from './paint.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line of the daemon's log. Its other fields are what the line is about. */
export interface LogEntry {
  level: LogLevel;
  /** ISO 8601. */
  time: string;
  message: string;
  fields: Record<string, unknown>;
}

/** pino writes levels as 10, 20 … 60, and the time as epoch milliseconds. `undefined` for what is no such line. */
export function readLogLine(line: string): LogEntry | undefined {
  const parsed = pinoLine.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { level, time, msg, ...fields } = parsed.data;
  const name = LOG_LEVELS[Math.min(5, Math.max(0, Math.floor(level / 10) - 1))] ?? 'info';
  return { level: name, time: new Date(time).toISOString(), message: msg, fields };
}

/** `21:03:11 info  run accepted  runId=run_1 agent=fixer`, with the date where it is not today's. Safe for a terminal. */
export function formatLogEntry(entry: LogEntry, now: number, paint: Paint): string {
  const fields = Object.entries(entry.fields).map(([name, value]) => `${cleanLine(name)}=${show(value)}`);
  return [
    paint('dim', localTime(new Date(entry.time), new Date(now))),
    paintLevel(entry.level, paint),
    cleanLine(entry.message),
    ...(fields.length > 0 ? [paint('dim', fields.join(' '))] : []),
  ].join('  ');
}

function paintLevel(level: LogLevel, paint: Paint): string {
  const text = level.padEnd(5);
  if (level === 'error' || level === 'fatal') return paint('red', text);
  return level === 'warn' ? paint('yellow', text) : text;
}

function show(value: unknown): string {
  if (typeof value !== 'string') return cleanLine(JSON.stringify(value) ?? '');
  const text = clean(value);
  return /[\s="]/.test(text) ? JSON.stringify(text) : text;
}

function localTime(at: Date, now: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  if (at.toDateString() === now.toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const pinoLine = z.looseObject({ level: z.number(), time: z.number(), msg: z.string().default('') });
