import { z } from 'zod';
import { writeInside } from '../guard/files.ts';
import { fileChange, textBefore } from './text-files.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to write, relative to the workspace. Its folders are made.'),
  content: z.string().describe('The whole new text.'),
});

export const writeFile: Tool<z.infer<typeof input>> = {
  name: 'write_file',
  description:
    'Writes a file whole, replacing what was there. To change part of a file use edit_file or apply_patch.',
  input,
  repeatable: false,
  execute: async ({ path, content }, { workspace }) => {
    const before = await textBefore(workspace, path);
    const written = await writeInside(workspace, path, content);
    const verb = before === undefined ? 'Created' : 'Replaced';
    return { text: `${verb} ${written}.`, fileChanges: [fileChange(written, before, content)] };
  },
};
