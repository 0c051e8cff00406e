import { join } from 'node:path';
import { z } from 'zod';
import { listInside } from '../guard/files.ts';
import type { Workspace } from '../guard/workspaces.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  path: z
    .string()
    .optional()
    .describe('Folder to list, relative to the workspace; the workspace itself by default.'),
  depth: z.int().min(1).max(5).optional().describe('How many levels; 1 by default.'),
});

export const listDirectory: Tool<z.infer<typeof input>> = {
  name: 'list_directory',
  description: 'Lists a folder: folders end with /, links show where they point to by @.',
  input,
  repeatable: true,
  execute: async ({ path = '.', depth = 1 }, { workspace }) => {
    const lines: string[] = [];
    const more = await list(workspace, path, depth, '', lines);
    if (lines.length === 0) return { text: 'The folder is empty.' };
    return {
      text: more
        ? `${lines.join('\n')}\n[more than ${MAX_ENTRIES} entries; list a smaller folder]`
        : lines.join('\n'),
    };
  },
};

/** Answers whether something was left out. */
async function list(
  workspace: Workspace,
  path: string,
  depth: number,
  indent: string,
  lines: string[],
): Promise<boolean> {
  const { entries } = await listInside(workspace, path);
  for (const entry of entries) {
    if (lines.length >= MAX_ENTRIES) return true;
    const suffix = entry.isDirectory() ? '/' : entry.isSymbolicLink() ? '@' : '';
    lines.push(`${indent}${entry.name}${suffix}`);
    const opens = entry.isDirectory() && depth > 1 && !SKIPPED.has(entry.name);
    if (opens && (await list(workspace, join(path, entry.name), depth - 1, `${indent}  `, lines)))
      return true;
  }
  return false;
}

const MAX_ENTRIES = 1_000;
/** Listed, but not opened on the way down: nobody who asks for levels means these. */
const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules']);
