import type { Models } from '../models/step.ts';
import type { DeltaKind, DurablePayload, RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { Tool, ToolContext } from '../tools/tool.ts';

export interface AgentState {
  order: DispatchOrder;
  /** This run's committed events, in order. */
  events: readonly RunEvent[];
}

export type AgentEnd =
  | { finish: 'completed'; result: string }
  | { finish: 'max_turns'; result: string | null; maxTurns: number }
  /** Put down between two steps, to go on later. */
  | { finish: 'suspended' };

/** `outside`: beyond the sandbox. */
export type Allowed = { allowed: true; outside: boolean } | { allowed: false; why: string };

/**
 * The commits are synchronous: when one returns, what it was given is on disk. They answer the events as they were
 * committed, with secrets masked; the loop goes on with those, as it would after a restart.
 */
export interface AgentPorts {
  models: Models;
  tools: readonly Tool[];
  workspace: ToolContext['workspace'];
  platform: string;
  /** A model's answer and the calls it asks for, in one commit. */
  commitStep(events: RunEvent[]): RunEvent[];
  /** Whether the device's owner lets a call run: at once where nobody need be asked. The intent is committed after. */
  allow(call: DurablePayload<'tool_call'>, repeatable: boolean): Promise<Allowed>;
  /** `written` are its arguments, and `outside` whether it runs beyond the sandbox. */
  commitIntent(call: {
    callId: string;
    name: string;
    repeatable: boolean;
    held: boolean;
    written: string;
    outside: boolean;
  }): void;
  /** A call's result and the file changes it made, in one commit. */
  commitOutcome(callId: string, events: RunEvent[]): RunEvent[];
  commitEvents(events: RunEvent[]): RunEvent[];
  /** Commits what was said to the run since, and returns it. */
  takeSteers(): RunEvent[];
  /** Not durable; may be dropped on the way. */
  onDelta(delta: { messageId: string; kind: DeltaKind; offset: number; text: string }): void;
  toolContext(callId: string, allowed: { outside: boolean }): ToolContext;
  /** The arguments as the model wrote them, as long as this process remembers; else as they were committed. */
  argumentsOf(call: DurablePayload<'tool_call'>): string;
  /** What is known of a call that has no result: nothing, or that it was about to run. */
  callState(callId: string): 'none' | 'intent';
  /** Whether to stop before the next step because the process is to end. */
  suspended(): boolean;
  newId(prefix: string): string;
  /** Milliseconds that only go forward. */
  monotonic(): number;
}
