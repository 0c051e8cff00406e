import { z } from 'zod';
import { writeInside } from '../guard/files.ts';
import { RunmeshError } from '../kit/errors.ts';
import { fileChange, readText } from './text-files.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to change, relative to the workspace.'),
  old_string: z
    .string()
    .min(1)
    .describe('Text to replace, exactly as it stands in the file, without line numbers.'),
  new_string: z.string().describe('Text to put in its place.'),
  replace_all: z
    .boolean()
    .optional()
    .describe('Replace every occurrence; otherwise old_string must occur exactly once.'),
});

export const editFile: Tool<z.infer<typeof input>> = {
  name: 'edit_file',
  description: 'Replaces a piece of text in a file.',
  input,
  repeatable: false,
  execute: async ({ path, old_string, new_string, replace_all = false }, { workspace }) => {
    const file = await readText(workspace, path);
    const pieces = file.text.split(old_string);
    const found = pieces.length - 1;
    if (found === 0)
      throw new RunmeshError(
        'text_not_found',
        `old_string does not occur in ${file.path}. Read the file again.`,
      );
    if (found > 1 && !replace_all) {
      throw new RunmeshError(
        'text_not_unique',
        `old_string occurs ${found} times in ${file.path}. Give more of the lines around it, or set replace_all.`,
      );
    }
    const text = pieces.join(new_string);
    await writeInside(workspace, path, text);
    return {
      text: `Replaced ${found} in ${file.path}.`,
      fileChanges: [fileChange(file.path, file.text, text)],
    };
  },
};
