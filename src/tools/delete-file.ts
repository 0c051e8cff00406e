import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { deleteInside, readInside } from '../guard/files.ts';
import { resolveInside } from '../guard/inside.ts';
import type { Workspace } from '../guard/workspaces.ts';
import { fileChange } from './file-change.ts';
import { decodeText, MAX_TEXT_BYTES } from './text-file.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z.string().min(1).describe('File to delete, relative to the workspace.'),
});

export const deleteFile: Tool<z.infer<typeof input>> = {
  name: 'delete_file',
  description: 'Deletes a file. Of a symbolic link, the link; folders are refused.',
  input,
  repeatable: false,
  execute: async ({ path }, { workspace }) => {
    const before = await textBefore(workspace, path);
    const deleted = await deleteInside(workspace, path);
    return {
      text: `Deleted ${deleted}.`,
      fileChanges: [await fileChange({ kind: 'delete', path: deleted, before })],
    };
  },
};

/** For the diff alone, so a file that is too large or no text has none. A link's target is not what is deleted. */
async function textBefore(workspace: Workspace, path: string): Promise<string | undefined> {
  const parent = await resolveInside(workspace, dirname(path));
  const stats = await lstat(join(parent.real, basename(path))).catch(() => undefined);
  if (!stats?.isFile() || stats.size > MAX_TEXT_BYTES) return undefined;
  return decodeText((await readInside(workspace, path, MAX_TEXT_BYTES)).data);
}
