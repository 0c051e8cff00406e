import { RunmeshError } from '../../kit/errors.ts';
import type { Hunk, HunkLine } from './parse-patch.ts';
import { seekBeginning, seekLines } from './seek-lines.ts';

/**
 * A file's text after its hunks. Lines a hunk keeps stay byte for byte as the file has them; lines it adds get the
 * file's line ends, and a byte order mark stays; a text that is not empty ends with a line end. Throws `patch_failed` with what was not found.
 */
export function applyHunks(text: string, hunks: readonly Hunk[], path: string): string {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const lines = text.slice(mark.length).split('\n');
  if (lines.at(-1) === '') lines.pop();
  const lineEnd = text.includes('\r\n') ? '\r' : '';
  const result: string[] = [];
  let done = 0;
  for (const [index, hunk] of hunks.entries()) {
    const name = `Hunk ${index + 1} of ${path} (line ${hunk.patchLine} of the patch)`;
    const at = place(lines, hunk, done, name);
    result.push(...lines.slice(done, at));
    done = at;
    for (const line of hunk.lines) {
      if (line.kind === 'add') result.push(line.text + lineEnd);
      else {
        const there = lines[done];
        if (line.kind === 'keep' && there !== undefined) result.push(there);
        done += 1;
      }
    }
  }
  result.push(...lines.slice(done));
  return result.length === 0 ? '' : `${mark}${result.join('\n')}\n`;
}

/** Where a hunk goes, at or after line `start` (from 0). */
function place(lines: readonly string[], hunk: Hunk, start: number, name: string): number {
  let from = start;
  for (const context of hunk.contexts) {
    const found = seekLines(lines, [context], from);
    if (found === undefined) throw failed(`${name}: no line "${context}" after line ${from}.`);
    from = found + 1;
  }
  const wanted = wantedLines(hunk.lines);
  if (wanted.length === 0) return hunk.contexts.length > 0 ? from : lines.length;
  const at = seekLines(lines, wanted, from, hunk.atEnd);
  if (at !== undefined) return at;
  throw failed(`${name}: ${whyNotFound(lines, wanted, from)}`);
}

function wantedLines(lines: readonly HunkLine[]): string[] {
  return lines.filter((line) => line.kind !== 'add').map((line) => line.text);
}

function whyNotFound(lines: readonly string[], wanted: readonly string[], from: number): string {
  const earlier = seekLines(lines, wanted, 0);
  if (earlier !== undefined) {
    return `its lines stand at line ${earlier + 1}, but hunks must follow each other from top to bottom and this one is looked for after line ${from}.`;
  }
  const { at, matched } = seekBeginning(lines, wanted);
  const asked = `These lines are not in the file:\n${wanted.slice(0, SHOWN_LINES).join('\n')}${wanted.length > SHOWN_LINES ? '\n…' : ''}`;
  if (matched === 0) return asked;
  const there = lines[at + matched];
  const stands = there === undefined ? 'the file ends' : `the file has ${JSON.stringify(there)}`;
  return `${asked}\nThe first ${matched} of them stand at line ${at + 1}; then, at line ${at + matched + 1}, ${stands} where the patch has ${JSON.stringify(wanted[matched])}.`;
}

function failed(message: string): RunmeshError {
  return new RunmeshError('patch_failed', message);
}

const SHOWN_LINES = 12;
const BYTE_ORDER_MARK = '\uFEFF';
