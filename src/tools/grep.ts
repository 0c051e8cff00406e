import { z } from 'zod';
import { resolveInside } from '../guard/inside.ts';
import { ripgrep } from './ripgrep.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  pattern: z.string().min(1).describe('Regular expression (Rust syntax) to look for in files.'),
  path: z.string().optional().describe('File or folder to search, relative to the workspace.'),
  include: z.string().optional().describe('Only files whose path fits this glob, such as *.ts'),
  case_insensitive: z.boolean().optional(),
  context: z.int().min(0).max(10).optional().describe('Lines to show around each match.'),
  max_results: z.int().min(1).max(1_000).optional().describe('Most lines to return; 200 by default.'),
});

export const grep: Tool<z.infer<typeof input>> = {
  name: 'grep',
  description: 'Searches file contents and returns path:line:text. Files that git ignores are left out.',
  input,
  repeatable: true,
  execute: async (args, { workspace, signal }) => {
    const { path } = await resolveInside(workspace, args.path ?? '.');
    const flags = ['--line-number', '--with-filename', '--no-heading', '--hidden', '--glob=!.git'];
    if (args.case_insensitive) flags.push('--ignore-case');
    if (args.context) flags.push(`--context=${args.context}`);
    if (args.include !== undefined) flags.push(`--glob=${args.include}`);
    const maxLines = args.max_results ?? 200;
    const found = await ripgrep(workspace.root, [...flags, '--regexp', args.pattern, '--', path], {
      maxLines,
      signal,
    });
    if (found.lines.length === 0) return { text: 'Nothing found.' };
    const lines = found.lines.map((line) => line.replace(/^\.\//, ''));
    if (found.more) lines.push(`[more than ${maxLines} lines; narrow the search]`);
    return { text: lines.join('\n') };
  },
};
