import { z } from 'zod';
import { readIfThere, writeInside } from '../guard/files.ts';
import { fileChange } from './file-change.ts';
import { decodeText, MAX_TEXT_BYTES } from './text-file.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to write, relative to the workspace. Missing folders are made.'),
  content: z.string().describe('The whole new text.'),
});

export const writeFile: Tool<z.infer<typeof input>> = {
  name: 'write_file',
  description:
    'Writes a whole file, replacing what is there. To change part of a file, use edit_file or apply_patch.',
  input,
  repeatable: false,
  execute: async ({ path, content }, { workspace }) => {
    const there = await readIfThere(workspace, path, MAX_TEXT_BYTES);
    const written = await writeInside(workspace, path, content);
    const kind = there === undefined ? 'add' : 'update';
    const change = await fileChange({
      kind,
      path: written,
      before: there && decodeText(there.data),
      after: content,
    });
    const verb = there === undefined ? 'Created' : 'Replaced';
    return { text: `${verb} ${written} (${Buffer.byteLength(content)} bytes).`, fileChanges: [change] };
  },
};
