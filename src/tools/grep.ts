import { constants } from 'node:fs';
import { z } from 'zod';
import { isFolder, openInside, resolveInside } from '../guard/inside.ts';
import { MAX_OUTPUT_UNITS } from './bounded-text.ts';
import { type FoundAgain, lookAgain } from './found-again.ts';
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
    const answer = new Answer(max_results);
    const search = { workspace, flags, include, signal };
    if (await isFolder(workspace, place)) {
      const again = lookAgain(workspace);
      try {
        await ripgrep({ ...search, target: place.path }, async (line) =>
          answer.add(await shown(again, line)),
        );
      } finally {
        await again.close();
      }
    } else {
      // A file is opened here, so that ripgrep has no path to follow.
      const { handle } = await openInside(workspace, place, constants.O_RDONLY);
      try {
        await ripgrep({ ...search, target: handle }, async (line) => answer.add(named(place.path, line)));
      } finally {
        await handle.close();
      }
    }
    return { text: answer.text() ?? `[nothing matches ${pattern}]` };
  },
};

interface FoundLine {
  path: string;
  /** `:` for a matching line, `-` for one around it. */
  mark: string;
  /** The line's number. */
  number: string;
  /** Bytes before it in the file. */
  offset: number;
  text: string;
}

/** The lines to answer, as long as they are not too many. */
class Answer {
  readonly #most: number;
  readonly #lines: string[] = [];
  #matches = 0;
  #units = 0;
  #cut: string | undefined;
  #parted = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Answers `false` when there is enough. */
  add(line: FoundLine | string | undefined): boolean {
    if (line === undefined) return true;
    if (line === GROUP_END) {
      this.#parted = this.#lines.length > 0;
      return true;
    }
    const isMatch = typeof line !== 'string' && line.mark === ':';
    const text =
      typeof line === 'string' ? line : `${line.path}${line.mark}${line.number}${line.mark}${line.text}`;
    if (isMatch && this.#matches === this.#most) {
      this.#cut = `only the first ${this.#most} matching lines are shown`;
    }
    this.#units += text.length + 1;
    if (this.#units > PAGE_UNITS) this.#cut = `only the first ${this.#matches} matching lines fit here`;
    if (this.#cut !== undefined) return false;
    if (isMatch) this.#matches += 1;
    if (this.#parted) this.#lines.push(GROUP_END);
    this.#parted = false;
    this.#lines.push(text);
    return true;
  }

  text(): string | undefined {
    const cut = this.#cut === undefined ? [] : [`[${this.#cut}; narrow the pattern, path or include]`];
    const lines = [...this.#lines, ...cut];
    return lines.length === 0 ? undefined : lines.join('\n');
  }
}

/** A line of a folder's search, if it still stands there; what ripgrep says besides is left out. */
async function shown(again: FoundAgain, line: string): Promise<FoundLine | string | undefined> {
  const found = readLine(line);
  if (found === undefined) return line === GROUP_END ? line : undefined;
  if (await again.holds(found.path, found.offset, found.text)) return found;
  const begin = found.text.replace(CUT_BY_RIPGREP, '');
  if (begin === found.text || !(await again.holds(found.path, found.offset, begin))) return undefined;
  return { ...found, text: `${begin} [... end of long line]` };
}

/** A line of a file's search. */
function named(path: string, line: string): FoundLine | string {
  const found = readLine(line);
  return found === undefined ? line.replace('<stdin>', () => path) : { ...found, path };
}

/** After a path stands a NUL (`--null`); then the line's number and offset, each with its mark. */
function readLine(line: string): FoundLine | undefined {
  const [, path, number, mark, offset, text] = /^([^\0]*)\0(\d+)([:-])(\d+)[:-](.*)$/s.exec(line) ?? [];
  if (path === undefined || number === undefined || mark === undefined || text === undefined)
    return undefined;
  return { path, number, mark, offset: Number(offset), text };
}

const FLAGS = [
  '--line-number',
  '--with-filename',
  '--no-heading',
  '--null',
  '--byte-offset',
  '--sort=path',
  '--max-columns=500',
  '--max-columns-preview',
];
/** Stands between lines that are apart, where lines around a match are shown. */
const GROUP_END = '--';
/** It also counts the matches in what is cut off, which is more than is looked up again. */
const CUT_BY_RIPGREP = / \[\.\.\. (?:omitted end of long line|\d+ more match(?:es)?)\]$/;
/** Leaves room for the last line. */
const PAGE_UNITS = MAX_OUTPUT_UNITS - 1_000;
