import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import { firstUnits, MAX_OUTPUT_UNITS } from './bounded-text.ts';
import { readTextFile } from './text-file.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to read, relative to the workspace.'),
  offset: z.int().min(1).optional().describe('First line to read, from 1. Default: 1.'),
  limit: z.int().min(1).max(5_000).optional().describe('Most lines to read. Default: 2000.'),
});

/** A page of a text file. It bounds itself at a line's end, so that the next page begins where this one ended. */
export const readFile: Tool<z.infer<typeof input>> = {
  name: 'read_file',
  description:
    'Reads a text file. Each line is answered as its number, a tab, and the line as it is; number and tab are not part of the file. A last line in square brackets says how to read on.',
  input,
  repeatable: true,
  execute: async ({ path, offset = 1, limit = 2_000 }, { workspace }) => {
    const file = await readTextFile(workspace, path);
    if (file.text === '') return { text: `[${file.path} is empty]` };
    const lines = file.text.replace(/\r?\n$/, '').split(/\r?\n/);
    if (offset > lines.length) {
      throw new RunmeshError(
        'no_such_line',
        `offset: ${file.path} has ${lines.length} lines, and no line ${offset}.`,
      );
    }
    const shown = numberedLines(lines, offset, limit);
    const next = offset + shown.length;
    if (next <= lines.length) {
      shown.push(
        `[lines ${offset} to ${next - 1} of ${lines.length} in ${file.path}; read on with offset ${next}]`,
      );
    }
    return { text: shown.join('\n') };
  },
};

function numberedLines(lines: readonly string[], offset: number, limit: number): string[] {
  const shown: string[] = [];
  let units = 0;
  for (let at = offset; at < offset + limit && at <= lines.length; at += 1) {
    const line = `${at}\t${shorten(lines[at - 1] ?? '')}`;
    units += line.length + 1;
    if (units > PAGE_UNITS) break;
    shown.push(line);
  }
  return shown;
}

function shorten(line: string): string {
  if (line.length <= MAX_LINE_UNITS) return line;
  const kept = firstUnits(line, MAX_LINE_UNITS);
  return `${kept} [… ${line.length - kept.length} more characters of this line]`;
}

const MAX_LINE_UNITS = 2_000;
/** Leaves room for the line that says how to read on. */
const PAGE_UNITS = MAX_OUTPUT_UNITS - 5_000;
