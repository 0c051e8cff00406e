import { z } from 'zod';
import { resolveInside } from '../guard/inside.ts';
import { MAX_OUTPUT_UNITS } from './bounded-text.ts';
import { ripgrep } from './ripgrep.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  pattern: z.string().min(1).describe('Regular expression to look for, in the syntax of ripgrep.'),
  path: z.string().min(1).optional().describe('File or folder to look through. Default: the workspace.'),
  include: z
    .string()
    .min(1)
    .optional()
    .describe('Glob: *.ts looks only at such file names, src/**/*.ts at such paths from the workspace.'),
  case_insensitive: z.boolean().optional().describe('Default: false.'),
  context: z.int().min(0).max(10).optional().describe('Lines to show before and after a match. Default: 0.'),
  max_results: z.int().min(1).max(1_000).optional().describe('Most matching lines to answer. Default: 200.'),
});

/** Matching lines as `path:line:text`, lines around them as `path-line-text`, as ripgrep writes them. */
export const grep: Tool<z.infer<typeof input>> = {
  name: 'grep',
  description:
    'Searches the text of files by a regular expression and answers path:line:text. Files that git ignores and files that are not text are left out.',
  input,
  repeatable: true,
  execute: async ({ pattern, path = '.', include, max_results = 200, ...more }, { workspace, signal }) => {
    const place = await resolveInside(workspace, path);
    const flags = [...FLAGS, `--context=${more.context ?? 0}`, `--regexp=${pattern}`];
    if (more.case_insensitive) flags.push('--ignore-case');
    const lines: string[] = [];
    let matches = 0;
    let units = 0;
    let cut: string | undefined;
    await ripgrep({ workspace, flags, path: place.path, include, signal }, (line) => {
      const { text, isMatch } = readLine(line);
      if (isMatch && matches === max_results) cut = `only the first ${max_results} matching lines are shown`;
      units += text.length + 1;
      if (units > PAGE_UNITS) cut = `only the first ${matches} matching lines fit here`;
      if (cut !== undefined) return false;
      if (isMatch) matches += 1;
      lines.push(text);
      return true;
    });
    if (cut !== undefined) lines.push(`[${cut}; narrow the pattern, path or include]`);
    return { text: lines.length === 0 ? `[nothing matches ${pattern}]` : lines.join('\n') };
  },
};

/** After a path stands a NUL (`--null`); then `12:` for a matching line, `12-` for one around it. */
function readLine(line: string): { text: string; isMatch: boolean } {
  const [, path, number, mark, text] = /^([^\0]*)\0(\d+)([:-])(.*)$/s.exec(line) ?? [];
  if (path === undefined) return { text: line, isMatch: false };
  return { text: `${path}${mark}${number}${mark}${text}`, isMatch: mark === ':' };
}

const FLAGS = [
  '--line-number',
  '--with-filename',
  '--no-heading',
  '--null',
  '--sort=path',
  '--max-columns=500',
  '--max-columns-preview',
];
/** Leaves room for the last line. */
const PAGE_UNITS = MAX_OUTPUT_UNITS - 1_000;
