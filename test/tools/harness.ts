import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Workspace } from '../../src/guard/workspaces.ts';
import type { ProcessIdentity } from '../../src/leash/process-table.ts';
import { executeTool } from '../../src/tools/run-tool.ts';
import type { Tool, ToolContext, ToolOutput } from '../../src/tools/tool.ts';
import { policyFor } from '../support/policies.ts';
import { tempDir } from '../support/temp.ts';

/** A workspace of its own for the running test, with these files in it. */
export function workspaceWith(files: Record<string, string | Buffer> = {}): Workspace {
  const root = join(tempDir(), 'workspace');
  mkdirSync(root);
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  }
  return { name: 'default', root, policy: policyFor(root) };
}

/** What a call reported through its context. */
export interface Reported {
  output: string;
  started: { sessionId: number; process: ProcessIdentity }[];
  ended: number[];
}

export function contextOf(
  workspace: Workspace,
  overrides: Partial<ToolContext> = {},
): ToolContext & { reported: Reported } {
  const reported: Reported = { output: '', started: [], ended: [] };
  return {
    runId: 'run-1',
    callId: 'call-1',
    workspace,
    agentEnvironment: {},
    outside: false,
    signal: new AbortController().signal,
    onOutput: (text) => {
      reported.output += text;
    },
    onProcessStarted: (sessionId, process) => reported.started.push({ sessionId, process }),
    onProcessEnded: (sessionId) => reported.ended.push(sessionId),
    ...overrides,
    reported,
  };
}

/** Calls a tool as a run does: arguments as JSON, errors as output. */
export function call(tool: Tool, workspace: Workspace, args: unknown): Promise<ToolOutput> {
  return executeTool(tool, tool.name, JSON.stringify(args), contextOf(workspace));
}
