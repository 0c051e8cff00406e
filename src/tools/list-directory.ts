import { join } from 'node:path';
import { z } from 'zod';
import { listInside } from '../guard/files.ts';
import { isHidden } from '../guard/sandbox-policy.ts';
import type { Workspace } from '../guard/workspaces.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('Folder to list, relative to the workspace. Default: the workspace.'),
  depth: z.int().min(1).max(5).optional().describe('How many levels to list, from 1 to 5. Default: 1.'),
});

export const listDirectory: Tool<z.infer<typeof input>> = {
  name: 'list_directory',
  description:
    'Lists a folder, a level deeper two spaces further in. Folders end with /, symbolic links with @. What is in .git and node_modules is listed only when that folder itself is asked for.',
  input,
  repeatable: true,
  execute: async ({ path = '.', depth = 1 }, { workspace, signal }) => {
    const lines: string[] = [];
    const whole = await listInto(lines, workspace, path, { depth, indent: '', signal });
    if (lines.length === 0) return { text: '[the folder is empty]' };
    if (!whole)
      lines.push(
        `[only the first ${MAX_ENTRIES} entries are listed; list a folder further in, or less deep]`,
      );
    return { text: lines.join('\n') };
  },
};

/** Adds a folder's entries; `false` when there were too many. */
async function listInto(
  lines: string[],
  workspace: Workspace,
  path: string,
  options: { depth: number; indent: string; signal: AbortSignal },
): Promise<boolean> {
  const { depth, indent, signal } = options;
  signal.throwIfAborted();
  const { entries } = await listInside(workspace, path);
  for (const entry of entries) {
    if (lines.length >= MAX_ENTRIES) return false;
    const suffix = entry.isDirectory() ? '/' : entry.isSymbolicLink() ? '@' : '';
    lines.push(`${indent}${entry.name}${suffix}`);
    if (depth === 1 || !entry.isDirectory() || NOT_OPENED.has(entry.name)) continue;
    if (isHidden(workspace.policy, join(workspace.root, path, entry.name))) continue;
    const deeper = { depth: depth - 1, indent: `${indent}  `, signal };
    if (!(await listInto(lines, workspace, join(path, entry.name), deeper))) return false;
  }
  return true;
}

const MAX_ENTRIES = 1_000;
const NOT_OPENED: ReadonlySet<string> = new Set(['.git', 'node_modules']);
