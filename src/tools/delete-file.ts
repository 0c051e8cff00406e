import { z } from 'zod';
import { deleteInside } from '../guard/files.ts';
import { fileChange, textBefore } from './text-files.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to delete, relative to the workspace.'),
});

export const deleteFile: Tool<z.infer<typeof input>> = {
  name: 'delete_file',
  description: 'Deletes a file. Folders are refused.',
  input,
  repeatable: false,
  execute: async ({ path }, { workspace }) => {
    // A link that leads out is deleted as a link; its target is not read.
    const before = await textBefore(workspace, path).catch(() => null);
    const deleted = await deleteInside(workspace, path);
    return { text: `Deleted ${deleted}.`, fileChanges: [fileChange(deleted, before ?? null, undefined)] };
  },
};
