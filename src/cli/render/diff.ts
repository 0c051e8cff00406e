import { CHANGE_VERBS, countChanges, hunkLines } from '../../control/words/diff-lines.ts';
import { formatPlural } from '../../control/words/format.ts';
import type { DurablePayload } from '../../protocol/events.ts';
import { clean, cleanLine } from './clean.ts';
import type { Paint } from './paint.ts';

/** The lines of a changed file: its name with what was added and taken away, then the diff, coloured. */
export function renderDiff(change: DurablePayload<'file_change'>, paint: Paint): string[] {
  const moved = change.movedTo === undefined ? '' : ` → ${cleanLine(change.movedTo)}`;
  const body = change.diff === undefined ? [] : hunkLines(clean(change.diff));
  const { added, removed } = countChanges(body);
  const counts = change.diff === undefined ? '' : ` (+${added} −${removed})`;
  const head = `${CHANGE_VERBS[change.kind]} ${cleanLine(change.path)}${moved}${counts}`;
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

function paintLine(line: string, paint: Paint): string {
  if (/^(\+\+\+|---|diff |index )/.test(line)) return paint('bold', line);
  if (line.startsWith('+')) return paint('green', line);
  if (line.startsWith('-')) return paint('red', line);
  return line.startsWith('@@') ? paint('cyan', line) : line;
}

const MAX_LINES = 60;
