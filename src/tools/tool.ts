import type { z } from 'zod';
import type { Workspace } from '../guard/workspaces.ts';
import type { ProcessIdentity } from '../leash/process-table.ts';
import type { ToolOutputPart } from '../protocol/content.ts';
import type { DurablePayload } from '../protocol/events.ts';

/**
 * A tool: a name the model knows, a schema for its arguments, and one function. What the model sent is checked before
 * `execute` sees it; what `execute` throws goes back to the model as a failed result, so an error is data.
 */
export interface Tool<Input = unknown> {
  name: string;
  description: string;
  input: z.ZodType<Input>;
  /** True for tools that only read: after a crash such a call may simply run again. */
  repeatable: boolean;
  /** True where nothing happens before `onProcessStarted` has returned: that commit then stands for the intent's too. */
  held?: boolean;
  execute(input: Input, context: ToolContext): Promise<ToolOutput>;
}

/** What a call may use and must report; built by `runs/` for each call. */
export interface ToolContext {
  runId: string;
  callId: string;
  workspace: Workspace;
  /** The agent definition's own variables, already limited to what the owner allows. */
  agentEnvironment: Readonly<Record<string, string>>;
  /** Whether the owner lets this call run beyond the sandbox. */
  outside: boolean;
  /** Aborted when the run is cancelled or out of time. */
  signal: AbortSignal;
  /** Live output of the call so far, in order; not durable. */
  onOutput(text: string): void;
  /** Commits a process to the journal. It is held at a gate and runs nothing before this returns. */
  onProcessStarted(sessionId: number, process: ProcessIdentity): void;
  onProcessEnded(sessionId: number): void;
}

export interface ToolOutput {
  /** What the model reads. */
  text: string;
  /** Further parts, for images. */
  content?: ToolOutputPart[];
  isError?: boolean;
  /** Files this call changed, for `file_change` events. */
  fileChanges?: Omit<DurablePayload<'file_change'>, 'callId' | 'workspace'>[];
  /** The run's policy refused it: nothing failed. */
  denied?: boolean;
}
