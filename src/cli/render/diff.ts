import type { DurablePayload } from '../../protocol/events.ts';
import { clean, cleanLine } from './clean.ts';
import { formatPlural } from './format.ts';
import type { Paint } from './paint.ts';

/** The lines of a changed file: its name with what was added and taken away, then the diff, coloured. */
export function renderDiff(change: DurablePayload<'file_change'>, paint: Paint): string[] {
  const moved = change.movedTo === undefined ? '' : ` → ${cleanLine(change.movedTo)}`;
  const body = change.diff === undefined ? [] : hunkLines(change.diff);
  const added = body.filter((line) => line.startsWith('+')).length;
  const removed = body.filter((line) => line.startsWith('-')).length;
  const counts = change.diff === undefined ? '' : ` (+${added} −${removed})`;
  const head = `${VERBS[change.kind]} ${cleanLine(change.path)}${moved}${counts}`;
  const shown = body.slice(0, MAX_LINES).map((line) => `    ${paintLine(line, paint)}`);
  const left = body.length - shown.length;
  return [paint('bold', head), ...shown, ...(left > 0 ? [`    … ${formatPlural(left, 'line')} more`] : [])];
}

/** A whole unified diff of many files, as `git diff` prints it, coloured. */
export function paintDiff(diff: string, paint: Paint): string {
  return clean(diff)
    .split('\n')
    .map((line) => paintLine(line, paint))
    .join('\n');
}

/** Without the head of the file: its name stands above. */
function hunkLines(diff: string): string[] {
  const lines = clean(diff).trimEnd().split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@'));
  return first === -1 ? lines : lines.slice(first);
}

function paintLine(line: string, paint: Paint): string {
  if (/^(\+\+\+|---|diff |index )/.test(line)) return paint('bold', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line.startsWith('@@') ? paint('cyan', line) : line;
}

const VERBS = { add: 'added', update: 'changed', delete: 'deleted', move: 'moved' } as const;
const MAX_LINES = 60;
