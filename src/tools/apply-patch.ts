import { z } from 'zod';
import { deleteInside, writeInside } from '../guard/files.ts';
import type { Workspace } from '../guard/workspaces.ts';
import { messageOf } from '../kit/errors.ts';
import { type FileChange, fileChange } from './file-change.ts';
import { parsePatch } from './patch/parse-patch.ts';
import { type PlannedChange, planPatch } from './patch/plan-patch.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  input: z.string().describe('The whole patch, from "*** Begin Patch" to "*** End Patch".'),
});

/** A patch is worked out whole before the first file is written, so that one that does not fit changes nothing. */
export const applyPatch: Tool<z.infer<typeof input>> = {
  name: 'apply_patch',
  description: `Changes files by a patch; nothing is written unless all of it fits. Paths are relative to the workspace. Format:
*** Begin Patch
*** Add File: new.txt
+every line of the new file begins with +
*** Update File: src/app.py
*** Move to: src/main.py        (optional)
@@ class App                    (optional: a line above the change; repeat @@ for a line further in)
 a context line begins with a space
-a removed line
+an added line
*** Delete File: old.txt
*** End Patch
Give about three unchanged lines before and after each change, exactly as in the file and without line numbers. End a hunk with "*** End of File" when it is at the end of the file.`,
  input,
  repeatable: false,
  execute: async ({ input: patch }, { workspace }) => {
    const changes = await planPatch(workspace, parsePatch(patch));
    const written: FileChange[] = [];
    for (const change of changes) {
      try {
        await writeChange(workspace, change);
      } catch (error) {
        const text = `The patch was stopped at ${change.path}: ${messageOf(error)}\n${summary(written, 'These files were changed before that:')}`;
        return { text, isError: true, fileChanges: written };
      }
      written.push(await fileChange(change));
    }
    return { text: summary(written, 'Success. Updated the following files:'), fileChanges: written };
  },
};

async function writeChange(workspace: Workspace, change: PlannedChange): Promise<void> {
  if (change.kind === 'delete') {
    await deleteInside(workspace, change.path);
    return;
  }
  await writeInside(workspace, change.movedTo ?? change.path, change.after ?? '', change.mode);
  if (change.kind === 'move') await deleteInside(workspace, change.path);
}

function summary(changes: readonly FileChange[], title: string): string {
  if (changes.length === 0) return 'No file was changed.';
  const lines = changes.map(({ kind, path, movedTo }) =>
    movedTo === undefined ? `${LETTERS[kind]} ${path}` : `${LETTERS[kind]} ${path} -> ${movedTo}`,
  );
  return [title, ...lines].join('\n');
}

const LETTERS: Readonly<Record<FileChange['kind'], string>> = {
  add: 'A',
  update: 'M',
  delete: 'D',
  move: 'R',
};
