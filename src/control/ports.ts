import type { ApprovalAnswer } from '../protocol/approvals.ts';
import type { RunRequest } from '../protocol/run-api.ts';
import type {
  DaemonStatus,
  DayUsage,
  Findings,
  HistoryPage,
  HistoryQuery,
  LocalRun,
  LocalRunItem,
  LogLine,
  LogQuery,
  PauseMode,
  PendingQuestion,
  ReloadAnswer,
} from './contract.ts';

/** By which door an owner came: the socket that the command line speaks, or the page in a browser. */
export type Door = 'cli' | 'page';

/**
 * What the local door opens onto. Functions throw a `RunmeshError` where they refuse; its code travels to the caller.
 * The iterables yield the lines of a stream, and end early without a fuss when `signal` aborts.
 */
export interface ControlPorts {
  status(): DaemonStatus | Promise<DaemonStatus>;
  /** The newest first. */
  listRuns(limit: number): LocalRunItem[] | Promise<LocalRunItem[]>;
  /** Runs of agents, prompts, results or ids that hold the words, without regard to case. */
  history(query: HistoryQuery): HistoryPage | Promise<HistoryPage>;
  /** The last `days` days, today among them. */
  usage(days: number): DayUsage[] | Promise<DayUsage[]>;
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  /** `undefined` where this device knows no such run. */
  readRun(runId: string): LocalRun | undefined | Promise<LocalRun | undefined>;
  /** Durable events after `after`, then what happens live, until `run_completed`. */
  runEvents(runId: string, after: number, signal: AbortSignal): AsyncIterable<unknown>;
  cancel(runId: string): void | Promise<void>;
  steer(runId: string, text: string): void | Promise<void>;
  /** What runs ask their owner. */
  listApprovals(): PendingQuestion[] | Promise<PendingQuestion[]>;
  answerApproval(approvalId: string, answer: ApprovalAnswer, by: Door): void | Promise<void>;
  /** Starts a run of the local-mac caller; the last line is `{ type: 'record', record }`. */
  here(request: RunRequest, signal: AbortSignal): AsyncIterable<unknown>;
  /** Looks at what a daemon needs of its machine. Takes seconds. */
  doctor(): Promise<Findings>;
  /** Takes no run and starts none until `resume`, also after a restart. Answers what pauses the device now. */
  pause(mode: PauseMode): string[] | Promise<string[]>;
  /** Lifts the owner's pause and asks a locked secret store anew. Answers what pauses the device still. */
  resume(): string[] | Promise<string[]>;
  /** Reads the config and the provider keys again. */
  reload(): ReloadAnswer | Promise<ReloadAnswer>;
  /** Begins to drain, and returns at once. */
  stop(): void | Promise<void>;
}
