import type { AgentPorts } from '../agent/ports.ts';
import type { Redactor } from '../guard/redact.ts';
import type { Journal } from '../journal/journal.ts';
import type { JournaledProcess } from '../journal/record-process.ts';
import type { Clock } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { PauseReasons } from '../kit/pause.ts';
import type { Random } from '../kit/random.ts';
import type { ApprovalAnswer } from '../protocol/approvals.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { DeviceFrame, DispatchOrder, FrameNamed } from '../protocol/frames.ts';
import type { ModelPrice } from '../protocol/models-config.ts';
import type { RunLimits } from '../protocol/run-limits.ts';
import type { ApprovalPorts, PendingApproval } from './approval-ports.ts';
import type { Delta, LiveText } from './live-texts.ts';
import type { CommandUse } from './run-meter.ts';

/** What the daemon gives a run to work with. */
export interface RunHost {
  models: AgentPorts['models'];
  platform: string;
  /** Throws `tool_unknown`, `workspace_unknown`, `workspace_missing`, `sandbox_unavailable` or `sandbox_invalid`. */
  prepare(order: DispatchOrder): Pick<AgentPorts, 'tools' | 'workspace'>;
  /** The agent definition's variables that the owner allows. */
  agentEnvironment(order: DispatchOrder): Record<string, string>;
  /** What the run may use: the least of what its device, its agent and its caller say. */
  limits(order: DispatchOrder): RunLimits;
  price(model: string): ModelPrice | undefined;
  /** What the run's commands have used in this process. */
  measure(runId: string): CommandUse;
  /** Whether a session of the run runs beyond its sandbox. */
  leftSandbox(runId: string, sessionId: number): boolean;
  /** Ends every command of the run; resolves when none is left. */
  endCommands(runId: string): Promise<void>;
  /** Takes away the run's temporary files: it is over. */
  removeFiles(runId: string): Promise<void>;
  /** Ends what is still alive of these processes of an earlier daemon; resolves when none is left. */
  reap(processes: readonly JournaledProcess[]): Promise<void>;
}

/** Why no run is started at the moment. */
export type PauseReason = 'owner' | 'disk_full' | 'draining' | 'secrets_locked';

export interface RunsOptions {
  journal: Journal;
  clock: Clock;
  random: Random;
  log: Log;
  host: RunHost;
  redactor: Redactor;
  audit: RecordAudit;
  approvals: ApprovalPorts;
  pause: PauseReasons<PauseReason>;
  /** What the loop is doing, in words. */
  say: (doing: string) => void;
  maxConcurrentRuns: number;
  /** Deaths of the process at one step after which a run fails. */
  maxAttempts: number;
  /** How many runs are at work may have changed. */
  onActivity?: () => void;
  /** Something of the run was committed. */
  onCommitted(runId: string): void;
  /** The run is about to commit what closes its live texts: the last moment to send them. */
  onSettling(runId: string): void;
  onDelta(runId: string, delta: Delta): void;
}

export type Accepted =
  | { accepted: true }
  | { accepted: false; code: FrameNamed<DeviceFrame, 'rejected'>['code']; message: string };

export type OrderResult = { status: 'done' } | { status: 'refused'; code: string; message: string };

export interface ActiveRun {
  runId: string;
  threadId: string;
  agent: string;
  state: 'queued' | 'running' | 'stopping';
  /** Model steps committed. */
  step: number;
  /** Epoch milliseconds; `undefined` while it waits. */
  startedAt: number | undefined;
}

export interface Runs {
  /** Recovers what an earlier process left, then starts taking turns. Resolves when recovery is done. */
  start(): Promise<void>;
  /** Commits the run before it answers. */
  accept(order: DispatchOrder, origin: 'dispatched' | 'here'): Accepted;
  cancel(runId: string, reason: string): OrderResult;
  steer(runId: string, steerId: string, text: string): OrderResult;
  /** The mesh has ended the run itself, or does not know it: stops it without a word. */
  forget(runId: string): void;
  list(): ActiveRun[];
  /** The same without how far each is, which the journal is asked for. By run. */
  states(): ReadonlyMap<string, ActiveRun['state']>;
  /** Questions to the owner that nobody has answered. */
  listApprovals(): PendingApproval[];
  /** `by` is the way the answer came. With a `runId`, of that run alone. */
  answerApproval(approvalId: string, answer: ApprovalAnswer, by: string, runId?: string): OrderResult;
  /** What the run has said live and not yet durably. */
  liveTexts(runId: string): LiveText[];
  /** A reason to pause came or went. */
  takeTurns(): void;
  /** Puts every run down where it is; they go on from their last step when nothing pauses the device. */
  putDown(): void;
  /** Lets steps under way finish for `ms`, then puts the runs down; they go on at the next start. */
  drain(ms: number): Promise<void>;
}
