import type { LogEntry, LogLevel } from '../../kit/log-entry.ts';
import { clean, cleanLine } from './clean.ts';
import type { Paint } from './paint.ts';

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
