import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import { z } from 'zod';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { Random } from '../kit/random.ts';
import type { WebSearchConfig } from '../protocol/tools-config.ts';
import { applyPatch } from './apply-patch.ts';
import { deleteFile } from './delete-file.ts';
import { editFile } from './edit-file.ts';
import type { RunSessions } from './exec/run-sessions.ts';
import { execCommand } from './exec-command.ts';
import { fileSearch } from './file-search.ts';
import { getDevUrl } from './get-dev-url.ts';
import { grep } from './grep.ts';
import { listDirectory } from './list-directory.ts';
import { readFile } from './read-file.ts';
import type { Tool } from './tool.ts';
import { viewImage } from './view-image.ts';
import { webSearch } from './web-search.ts';
import { writeFile } from './write-file.ts';
import { writeStdin } from './write-stdin.ts';

export interface ToolboxOptions {
  /** The commands of every run; whoever ends a run ends its commands there. */
  sessions: RunSessions;
  clock: Clock;
  random: Random;
  /** The daemon's own environment: commands get the part the guard lets through, a search provider its key. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The owner's choice of a shell; `$SHELL` where there is none. */
  shell: string | undefined;
  fetch: typeof fetch;
  webSearch: WebSearchConfig | undefined;
  /** A key the owner stored, where the environment has none. */
  storedKey?: (provider: string) => string | undefined;
}

/** The tools of this device. */
export interface Toolbox {
  names(): string[];
  /** The tools of these slugs; every tool where there are none. Throws `tool_unknown`. */
  select(slugs: readonly string[] | undefined): Tool[];
}

export function createToolbox(options: ToolboxOptions): Toolbox {
  const all: Tool[] = [
    execCommand(options),
    writeStdin(options),
    applyPatch,
    readFile,
    writeFile,
    editFile,
    deleteFile,
    listDirectory,
    fileSearch,
    grep,
    viewImage,
    getDevUrl,
    webSearch(options),
  ];
  const tools = new Map(all.map((tool) => [tool.name, tool]));
  return {
    names: () => [...tools.keys()],
    select: (slugs) => {
      if (slugs === undefined) return all;
      const names = new Set(slugs.flatMap((slug) => OLDER_NAMES.get(slug) ?? [slug]));
      return [...names].map((name) => tools.get(name) ?? unknown(name, [...tools.keys()]));
    },
  };
}

/** Tools as a provider describes them to its model: JSON Schema, draft 7. */
export function describeTools(tools: readonly Tool[]): LanguageModelV3FunctionTool[] {
  return tools.map(({ name, description, input }) => {
    const { $schema: _, ...inputSchema } = z.toJSONSchema(input, { target: 'draft-7', io: 'input' });
    // zod's type of a schema is wider than draft 7; the target makes it fit.
    return { type: 'function', name, description, inputSchema } as LanguageModelV3FunctionTool;
  });
}

function unknown(name: string, there: string[]): never {
  throw new RunmeshError(
    'tool_unknown',
    `This device has no tool "${name}". It has: ${there.join(', ')}. Change the agent's tools.`,
  );
}

/** Names of an older contract, and the tools that do their work now. */
const OLDER_NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['bash', ['exec_command', 'write_stdin']],
  ['glob', ['file_search']],
]);
