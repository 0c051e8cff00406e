import { z } from 'zod';
import { agentDefinition, runConfig } from './agents.ts';
import { approvalAnswer } from './approvals.ts';
import { inputMessage } from './content.ts';
import { deltaKind, deviceEvent, threadEvent } from './events.ts';
import { runMetadata } from './run-api.ts';

/** Frames of the device socket, subprotocol `runmesh.v1`: JSON text, discriminated by `type`. See README.md. */
export const SUBPROTOCOL = 'runmesh.v1';
export const CONNECT_PATH = '/v1/runmesh/devices/connect';

const sequence = z.int().nonnegative();
const runId = z.string().min(1).max(100);

export const runCursor = z.object({
  runId,
  attempt: z.int().min(1),
  /** The last runSequence committed in the device's journal; 0 when none. */
  lastRunSequence: sequence,
});

/** Everything a device needs to execute a run. */
export const dispatchOrder = z.object({
  runId,
  threadId: z.string(),
  rolloutId: z.string(),
  attempt: z.int().min(1),
  agent: agentDefinition,
  input: z.array(inputMessage).min(1),
  /** The thread's earlier durable events, oldest first. */
  history: z.array(threadEvent),
  config: runConfig,
  metadata: runMetadata,
  deadlineAt: z.string(),
});
export type DispatchOrder = z.infer<typeof dispatchOrder>;

export const capabilities = z
  .object({ tools: z.array(z.string()), workspaces: z.array(z.string()), maxConcurrentRuns: z.int().min(1) })
  .loose();
export type Capabilities = z.infer<typeof capabilities>;

export const DEVICE_FRAMES = {
  hello: z.object({
    type: z.literal('hello'),
    deviceId: z.string(),
    /** Ed25519 over `helloText`, base64url. */
    signature: z.string(),
    agentVersion: z.string(),
    os: z.string(),
    hostname: z.string(),
    capabilities,
    journalEpoch: z.string(),
    /** The device's unfinished runs and those with unacknowledged events. */
    runs: z.array(runCursor),
  }),
  accepted: z.object({ type: z.literal('accepted'), runId, attempt: z.int().min(1) }),
  rejected: z.object({
    type: z.literal('rejected'),
    runId,
    attempt: z.int().min(1),
    code: z.enum(['busy', 'paused', 'invalid', 'forbidden', 'unsupported']),
    message: z.string(),
  }),
  events: z.object({
    type: z.literal('events'),
    runId,
    journalEpoch: z.string(),
    attempt: z.int().min(1),
    events: z.array(deviceEvent).min(1),
  }),
  delta: z.object({
    type: z.literal('delta'),
    runId,
    messageId: z.string(),
    kind: deltaKind,
    offset: sequence,
    text: z.string(),
  }),
  /** Every order to a run is answered: done or refused, with a code. */
  order_result: z.object({
    type: z.literal('order_result'),
    runId,
    orderId: z.string(),
    status: z.enum(['done', 'refused']),
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  heartbeat: z.object({
    type: z.literal('heartbeat'),
    runs: z.array(z.object({ runId, committed: sequence, acked: sequence })),
    /** The runs the device started itself that are not over for it. An earlier device does not say. */
    here: z.array(runId).optional(),
  }),
  /** What `hello` said of this device has changed: a workspace was named, a tool came. */
  capabilities: z.object({ type: z.literal('capabilities'), capabilities }),
  drain: z.object({ type: z.literal('drain'), reason: z.string() }),
  goodbye: z.object({ type: z.literal('goodbye'), reason: z.string() }),
} as const;

export const MESH_FRAMES = {
  challenge: z.object({
    type: z.literal('challenge'),
    /** 32 random bytes, base64url, used once. */
    nonce: z.string(),
    serverTime: z.string(),
  }),
  welcome: z.object({
    type: z.literal('welcome'),
    sessionId: z.string(),
    meshEpoch: z.string(),
    heartbeatMs: z.int(),
    /** Unacknowledged bytes of events the device may have under way. */
    window: z.int(),
    maxFrameBytes: z.int(),
    runs: z.array(
      z.object({
        runId,
        ackedRunSequence: sequence,
        /** How far the mesh has each live message: the device sends on from there. */
        deltas: z.array(z.object({ messageId: z.string(), kind: deltaKind, offset: sequence })),
        verdict: z.enum(['resume', 'cancel', 'forget']),
      }),
    ),
  }),
  dispatch: z.object({ type: z.literal('dispatch') }).extend(dispatchOrder.shape),
  /** A dispatch that does not fit a frame: the device fetches it with its own key from `path`. */
  dispatch_ref: z.object({
    type: z.literal('dispatch_ref'),
    runId,
    attempt: z.int().min(1),
    path: z.string(),
  }),
  ack: z.object({ type: z.literal('ack'), runId, runSequence: sequence }),
  heartbeat: z.object({ type: z.literal('heartbeat'), runs: z.array(z.object({ runId, acked: sequence })) }),
  cancel: z.object({ type: z.literal('cancel'), runId, orderId: z.string(), reason: z.string() }),
  steer: z.object({ type: z.literal('steer'), runId, orderId: z.string(), text: z.string() }),
  /** An answer to `approval_requested`; a device refuses it unless its owner allows answers by the mesh. */
  approval: z
    .object({ type: z.literal('approval'), runId, orderId: z.string(), approvalId: z.string() })
    .extend(approvalAnswer.shape),
  drain: z.object({ type: z.literal('drain'), reason: z.string(), retryAfterMs: z.int().nonnegative() }),
  goodbye: z.object({ type: z.literal('goodbye'), reason: z.string() }),
} as const;

type FrameOf<Table extends Record<string, z.ZodType>> = {
  [Name in keyof Table]: z.infer<Table[Name]>;
}[keyof Table];
export type DeviceFrame = FrameOf<typeof DEVICE_FRAMES>;
export type MeshFrame = FrameOf<typeof MESH_FRAMES>;
export type FrameNamed<Frame extends { type: string }, Name extends Frame['type']> = Extract<
  Frame,
  { type: Name }
>;
