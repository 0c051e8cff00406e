import type { LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import { z } from 'zod';
import { RunmeshError } from '../kit/errors.ts';
import type { WebSearchConfig } from '../protocol/tools-config.ts';
import { applyPatch } from './apply-patch.ts';
import { deleteFile } from './delete-file.ts';
import { editFile } from './edit-file.ts';
import { execCommand } from './exec-command.ts';
import type { ExecSessions } from './exec-sessions.ts';
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

/** The tools of this device. */
export interface Toolbox {
  names(): string[];
  /** The tools of these slugs, every tool without any. Throws `tool_unknown` naming the slug and what there is. */
  select(slugs: readonly string[] | undefined): Tool[];
}

export interface ToolboxOptions {
  sessions: ExecSessions;
  fetch: typeof fetch;
  env: Readonly<Record<string, string | undefined>>;
  webSearch: WebSearchConfig | undefined;
}

export function createToolbox(options: ToolboxOptions): Toolbox {
  const tools = new Map<string, Tool>();
  for (const tool of [
    execCommand(options.sessions),
    writeStdin(options.sessions),
    applyPatch,
    viewImage,
    readFile,
    writeFile,
    editFile,
    deleteFile,
    listDirectory,
    fileSearch,
    grep,
    getDevUrl,
    webSearch(options),
  ]) {
    tools.set(tool.name, tool as Tool);
  }
  return {
    names: () => [...tools.keys()],
    select: (slugs) => {
      if (slugs === undefined) return [...tools.values()];
      const names = new Set(slugs.flatMap((slug) => OLDER_NAMES[slug] ?? [slug]));
      return [...names].map((name) => {
        const tool = tools.get(name);
        if (tool !== undefined) return tool;
        throw new RunmeshError(
          'tool_unknown',
          `This device has no tool named "${name}". It has ${[...tools.keys()].join(', ')}.`,
        );
      });
    },
  };
}

/** Tools as a provider wants them described. */
export function describeTools(tools: readonly Tool[]): LanguageModelV3FunctionTool[] {
  return tools.map(({ name, description, input }) => {
    const { $schema, ...inputSchema } = z.toJSONSchema(input, { target: 'draft-7', io: 'input' });
    return { type: 'function', name, description, inputSchema } as LanguageModelV3FunctionTool;
  });
}

/** Names of an older contract, and what does their work now. */
const OLDER_NAMES: Readonly<Record<string, readonly string[]>> = {
  bash: ['exec_command', 'write_stdin'],
  glob: ['file_search'],
};
