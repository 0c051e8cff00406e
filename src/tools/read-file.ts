import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import { readText } from './text-files.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to read, relative to the workspace.'),
  offset: z.int().min(1).optional().describe('First line to return, counted from 1.'),
  limit: z.int().min(1).max(5_000).optional().describe('Most lines to return; 2000 by default.'),
});

export const readFile: Tool<z.infer<typeof input>> = {
  name: 'read_file',
  description: 'Reads a text file. Each line is returned as its number, a tab, and the line.',
  input,
  repeatable: true,
  execute: async ({ path, offset = 1, limit = 2_000 }, { workspace }) => {
    const file = await readText(workspace, path);
    if (file.text === '') return { text: `${file.path} is empty.` };
    const lines = file.text.replace(/\n$/, '').split('\n');
    if (offset > lines.length) {
      throw new RunmeshError(
        'no_such_line',
        `${file.path} has ${lines.length} lines; there is no line ${offset}.`,
      );
    }
    const shown = lines
      .slice(offset - 1, offset - 1 + limit)
      .map((line, index) => `${offset + index}\t${shorten(line)}`);
    const left = lines.length - (offset - 1) - shown.length;
    return {
      text:
        left > 0
          ? `${shown.join('\n')}\n[${left} more lines; go on with offset ${offset + limit}]`
          : shown.join('\n'),
    };
  },
};

function shorten(line: string): string {
  return line.length <= MAX_LINE_UNITS
    ? line
    : `${line.slice(0, MAX_LINE_UNITS)} [… ${line.length - MAX_LINE_UNITS} more characters]`;
}

const MAX_LINE_UNITS = 2_000;
