import { z } from 'zod';
import { writeInside } from '../guard/files.ts';
import { RunmeshError } from '../kit/errors.ts';
import { fileChange } from './file-change.ts';
import { readTextFile } from './text-file.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to change, relative to the workspace.'),
  old_string: z
    .string()
    .min(1)
    .describe('The text to replace, exactly as in the file and without line numbers.'),
  new_string: z.string().describe('The text to put in its place.'),
  replace_all: z
    .boolean()
    .optional()
    .describe('Replace it wherever it stands. Default: false, and then it must stand there exactly once.'),
});

export const editFile: Tool<z.infer<typeof input>> = {
  name: 'edit_file',
  description: 'Replaces a piece of text in a file.',
  input,
  repeatable: false,
  execute: async ({ path, old_string, new_string, replace_all = false }, { workspace }) => {
    if (old_string === new_string) {
      throw new RunmeshError('nothing_to_change', 'old_string and new_string are the same text.');
    }
    const file = await readTextFile(workspace, path);
    const { pieces, replacement } = splitAt(file.text, old_string, new_string);
    const found = pieces.length - 1;
    if (found === 0) {
      throw new RunmeshError(
        'text_not_found',
        `old_string is not in ${file.path}. Read the file again and copy the text as it is.`,
      );
    }
    if (found > 1 && !replace_all) {
      throw new RunmeshError(
        'text_not_unique',
        `old_string stands ${found} times in ${file.path}. Give more of the lines around it, or set replace_all.`,
      );
    }
    const text = pieces.join(replacement);
    await writeInside(workspace, file.path, text);
    return {
      text: `Replaced ${found === 1 ? 'it once' : `it ${found} times`} in ${file.path}.`,
      fileChanges: [await fileChange({ kind: 'update', path: file.path, before: file.text, after: text })],
    };
  },
};

/** Models write plain line ends; in a file with `\r\n` the same text with those is looked for as well. */
function splitAt(text: string, old: string, replacement: string): { pieces: string[]; replacement: string } {
  const pieces = text.split(old);
  if (pieces.length > 1 || !text.includes('\r\n')) return { pieces, replacement };
  const withReturns = (plain: string) => plain.replace(/\r?\n/g, '\r\n');
  return { pieces: text.split(withReturns(old)), replacement: withReturns(replacement) };
}
