import { z } from 'zod';
import { executionMode } from './agents.ts';
import { approvalRequested, approvalResolved } from './approvals.ts';
import { assistantPart, modelProviderMetadata, toolOutputPart } from './content.ts';
import { runError } from './errors.ts';
import { usage } from './usage.ts';

/**
 * Thread events. Durable ones are journaled, numbered and stored; live ones pass by. Names are RunTools'; payloads are
 * ours (RunTools publishes none), and so are the types marked so.
 */

export const finalStatus = z.enum(['completed', 'failed', 'cancelled']);
export type FinalStatus = z.infer<typeof finalStatus>;

export const toolStatus = z.enum(['completed', 'failed', 'denied', 'cancelled', 'unknown']);

/** The payload of each durable type. */
export const DURABLE_PAYLOADS = {
  run_started: z.object({
    agent: z.string(),
    model: z.string(),
    executionMode,
    targetDeviceId: z.string().nullable(),
    workspace: z.string().nullable(),
    attempt: z.int().min(1),
  }),
  /** `role` is there when the caller's `messages[]` spoke for somebody other than the user. */
  user_message: z.object({
    messageId: z.string(),
    role: z.enum(['assistant', 'system']).optional(),
    text: z.string(),
  }),
  /** Closes the deltas of its `messageId`: `text` is the whole text, the deltas' authority. */
  assistant_message: z.object({
    messageId: z.string(),
    /** 1, 2, 3 … in the run: a step is one model call. */
    step: z.int().min(1),
    text: z.string(),
    content: z.array(assistantPart),
    finishReason: z.string(),
    model: z.string(),
    /** This step's own tokens; a run's usage is their sum. */
    usage,
  }),
  tool_call: z.object({
    callId: z.string(),
    messageId: z.string(),
    step: z.int().min(1),
    name: z.string(),
    /** The arguments as the model wrote them: JSON, but perhaps not valid JSON. */
    arguments: z.string(),
    providerMetadata: modelProviderMetadata,
  }),
  tool_result: z.object({
    callId: z.string(),
    name: z.string(),
    status: toolStatus,
    /** The output's text, as the model gets it. */
    text: z.string(),
    content: z.array(toolOutputPart).optional(),
    durationMs: z.number().nonnegative(),
  }),
  /** Ours: a file that a tool of ours changed. */
  file_change: z.object({
    callId: z.string(),
    workspace: z.string(),
    /** Relative to the workspace, with `/`. */
    path: z.string(),
    kind: z.enum(['add', 'update', 'delete', 'move']),
    movedTo: z.string().optional(),
    /** A unified diff, cut at 64 KiB with a line that says so; absent for binary files. */
    diff: z.string().optional(),
  }),
  /** Ours: words given to a run while it ran; they reach the model before its next step. */
  run_steered: z.object({ messageId: z.string(), text: z.string() }),
  /** Ours: the device's owner is asked whether a call may run; the run waits. */
  approval_requested: approvalRequested,
  /** Ours: the answer, or that nobody gave one in time. */
  approval_resolved: approvalResolved,
  /** Ours: something went wrong and the run goes on (a retried model call, a daemon that was restarted). */
  error: z.object({ code: z.string(), message: z.string() }),
  run_completed: z.object({
    status: finalStatus,
    result: z.string().nullable(),
    usage,
    /** Model steps committed. */
    iterations: z.int().nonnegative(),
    error: runError.optional(),
  }),
  compaction_started: z.object({}).loose(),
  compaction_completed: z.object({}).loose(),
  thread_archived: z.object({}).loose(),
  thread_deleted: z.object({}).loose(),
  thread_renamed: z.object({ title: z.string() }).loose(),
} as const;

export type DurableType = keyof typeof DURABLE_PAYLOADS;
export type DurablePayload<T extends DurableType> = z.infer<(typeof DURABLE_PAYLOADS)[T]>;

/** A durable event before it has numbers: what a run says happened. */
export type RunEvent = { [T in DurableType]: { type: T; payload: DurablePayload<T> } }[DurableType];

const runEventOptions = (Object.keys(DURABLE_PAYLOADS) as DurableType[]).map((type) =>
  z.object({ type: z.literal(type), payload: DURABLE_PAYLOADS[type] }),
);
export const runEvent = z.discriminatedUnion(
  'type',
  runEventOptions as [(typeof runEventOptions)[number], ...typeof runEventOptions],
) as unknown as z.ZodType<RunEvent>;

/**
 * A durable event as a device sends it. The type is open and the payload any JSON object, so that an older mesh
 * stores what a newer device says.
 */
export const deviceEvent = z.object({
  runSequence: z.int().min(1),
  type: z.string().min(1).max(100),
  payload: z.record(z.string(), z.json()),
  createdAt: z.string(),
});
export type DeviceEvent = z.infer<typeof deviceEvent>;

/** A durable event as a thread holds it and callers read it. */
export const threadEvent = z.object({
  type: z.string(),
  runId: z.string(),
  threadId: z.string(),
  rolloutId: z.string(),
  /** 1, 2, 3 … in the thread, given by the mesh. */
  sequence: z.int().min(1),
  /** 1, 2, 3 … in the run, given by the device. */
  runSequence: z.int().min(1),
  payload: z.record(z.string(), z.json()),
  createdAt: z.string(),
});
export type ThreadEvent = z.infer<typeof threadEvent>;

export const deltaKind = z.enum(['assistant_message', 'assistant_thinking', 'tool_output']);
export type DeltaKind = z.infer<typeof deltaKind>;

/** The SSE event type of each kind of delta. */
export const DELTA_EVENT = {
  assistant_message: 'assistant_message_delta',
  assistant_thinking: 'assistant_thinking_delta',
  tool_output: 'tool_output_delta',
} as const satisfies Record<DeltaKind, string>;

/**
 * A live delta as callers read it. The reader's text becomes `text.slice(0, offset) + delta.text`: an offset at the
 * end of what it has appends; an earlier one replaces the tail (a retried model call that said something else).
 */
export const liveDelta = z.object({
  type: z.enum([DELTA_EVENT.assistant_message, DELTA_EVENT.assistant_thinking, DELTA_EVENT.tool_output]),
  runId: z.string(),
  /** The message's id, or for `tool_output_delta` the call's. */
  messageId: z.string(),
  /** UTF-16 code units from the start of the message; never inside a surrogate pair. */
  offset: z.int().nonnegative(),
  text: z.string(),
});
export type LiveDelta = z.infer<typeof liveDelta>;
