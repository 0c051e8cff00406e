import { z } from 'zod';
import { isFolder, resolveInside } from '../guard/inside.ts';
import { lookAgain } from './found-again.ts';
import { ripgrep } from './ripgrep.ts';
import type { Tool } from './tool.ts';

const input = z.strictObject({
  pattern: z
    .string()
    .min(1)
    .describe('Glob: *.test.ts fits file names anywhere, src/**/*.ts paths from the workspace.'),
  path: z.string().min(1).optional().describe('Folder to look in. Default: the workspace.'),
});

export const fileSearch: Tool<z.infer<typeof input>> = {
  name: 'file_search',
  description: 'Finds files by a glob and answers their paths, sorted. Files that git ignores are left out.',
  input,
  repeatable: true,
  execute: async ({ pattern, path = '.' }, { workspace, signal }) => {
    const place = await resolveInside(workspace, path);
    await isFolder(workspace, place);
    const lines: string[] = [];
    const flags = ['--files', '--sort=path'];
    const again = lookAgain(workspace);
    try {
      await ripgrep({ workspace, flags, target: place.path, include: pattern, signal }, async (path) => {
        if (await again.has(path)) lines.push(path);
        return lines.length <= MAX_FILES;
      });
    } finally {
      await again.close();
    }
    if (lines.length === 0) return { text: `[no file fits ${pattern}]` };
    if (lines.length > MAX_FILES) {
      lines[MAX_FILES] = `[only the first ${MAX_FILES} files are listed; give a narrower glob]`;
    }
    return { text: lines.join('\n') };
  },
};

const MAX_FILES = 500;
