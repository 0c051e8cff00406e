import { z } from 'zod';
import { resolveInside } from '../guard/inside.ts';
import { ripgrep } from './ripgrep.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  pattern: z.string().min(1).describe('Glob such as **/*.test.ts, or part of a file name.'),
  path: z.string().optional().describe('Folder to search, relative to the workspace.'),
});

export const fileSearch: Tool<z.infer<typeof input>> = {
  name: 'file_search',
  description: 'Finds files by name. Files that git ignores are left out.',
  input,
  repeatable: true,
  execute: async (args, { workspace, signal }) => {
    const { path } = await resolveInside(workspace, args.path ?? '.');
    const glob = /[*?[{]/.test(args.pattern) ? args.pattern : `*${args.pattern}*`;
    const flags = ['--files', '--hidden', '--sort=path', `--iglob=${glob}`, '--glob=!.git'];
    const found = await ripgrep(workspace.root, [...flags, '--', path], { maxLines: MAX_FILES, signal });
    if (found.lines.length === 0) return { text: 'No file found.' };
    const lines = found.lines.map((line) => line.replace(/^\.\//, ''));
    if (found.more) lines.push(`[more than ${MAX_FILES} files; narrow the search]`);
    return { text: lines.join('\n') };
  },
};

const MAX_FILES = 500;
