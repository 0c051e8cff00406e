import { z } from 'zod';
import { finding } from '../kit/finding.ts';
import { LOG_LEVELS, logEntry } from '../kit/log-entry.ts';
import { approvalRequested } from '../protocol/approvals.ts';
import { runError } from '../protocol/errors.ts';
import { finalStatus } from '../protocol/events.ts';
import { usage } from '../protocol/usage.ts';

/**
 * The local API: HTTP on a Unix socket that only its owner can open, and what an owner needs of it for the page in a
 * browser (`page/page.ts`). Answers are plain JSON; a failure is `{ error: { code, message } }`; streams are NDJSON, and one
 * that fails ends with an `error` line.
 */

/** What `GET /status` answers. Instants are ISO 8601; `since` is epoch milliseconds. */
export const daemonStatus = z.object({
  deviceId: z.string().nullable(),
  /** The account it is linked to. */
  orgId: z.string().nullable(),
  label: z.string(),
  meshUrl: z.string().nullable(),
  connection: z.object({
    /** In words: `connected`, `waiting 4 s before the next try` … */
    doing: z.string(),
    /** Seconds since anything came from the mesh; the socket's own state is never asked. */
    lastHeardSeconds: z.number().nonnegative().nullable(),
    /** The proxy on the way; `null` for a direct one. */
    through: z.string().nullable(),
    sessionId: z.string().nullable(),
  }),
  /** What each long-lived loop is doing, and since when. */
  loops: z.record(z.string(), z.object({ doing: z.string(), since: z.number() })),
  queued: z.int().nonnegative(),
  running: z.array(
    z.object({
      runId: z.string(),
      agent: z.string(),
      /** Model steps committed. */
      step: z.int().nonnegative(),
      seconds: z.number().nonnegative(),
    }),
  ),
  /** Questions of runs that wait for the owner. */
  approvals: z.int().nonnegative(),
  /** Why no run is started at the moment; empty when nothing is in the way. */
  paused: z.array(z.string()),
  secretStore: z.string(),
  power: z.object({
    source: z.enum(['mains', 'battery', 'unknown']),
    percent: z.number().nullable(),
    /** Whether the machine is kept from idle sleep at the moment, and when it is at all. */
    keepingAwake: z.boolean(),
    keepAwake: z.enum(['ac', 'always', 'never']),
    /** The last time the machine was seen to wake, and about how long it had slept; `null` since the daemon's start. */
    lastWake: z.object({ at: z.string(), sleptSeconds: z.number() }).nullable(),
  }),
  /** Where a damaged journal lies that this one had to replace. */
  journalSetAside: z.string().nullable(),
  version: z.string(),
  /** Whether the system runs it, or somebody's shell. */
  asService: z.boolean(),
  pid: z.int(),
  startedAt: z.string(),
  rssBytes: z.int().nonnegative(),
  /** Tokens of the model steps since local midnight. */
  usageToday: usage,
});
export type DaemonStatus = z.infer<typeof daemonStatus>;

/**
 * What an update and `service` ask of a daemon that may be older or newer than they are. These names of `GET /status`
 * are therefore never changed.
 */
export const daemonVitals = z.object({
  deviceId: z.string().nullable(),
  version: z.string(),
  pid: z.int(),
  connection: z.object({ doing: z.string(), sessionId: z.string().nullable() }),
  asService: z.boolean().optional(),
});
export type DaemonVitals = z.infer<typeof daemonVitals>;

/** A row of `GET /runs`, newest first. */
export const localRunItem = z.object({
  runId: z.string(),
  threadId: z.string(),
  agent: z.string(),
  /** `here`: started on this machine. `dispatched`: sent by the mesh. */
  origin: z.enum(['dispatched', 'here']),
  status: z.enum(['queued', 'running', ...finalStatus.options]),
  acceptedAt: z.string(),
  endedAt: z.string().nullable(),
});
export type LocalRunItem = z.infer<typeof localRunItem>;

/** What `GET /runs/{id}` answers: what this device's journal knows of the run. */
export const localRun = localRunItem.extend({
  rolloutId: z.string(),
  attempt: z.int().min(1),
  result: z.string().nullable(),
  usage,
  iterations: z.int().nonnegative(),
  error: runError.optional(),
  /** The last runSequence committed, and the last the mesh has acknowledged. */
  committed: z.int().nonnegative(),
  acked: z.int().nonnegative(),
});
export type LocalRun = z.infer<typeof localRun>;

export const listQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(20) });

/** `before` is the `next` of the page before; an empty `search` finds every run. */
export const historyQuery = z.object({
  search: z.string().max(200).default(''),
  before: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export type HistoryQuery = z.infer<typeof historyQuery>;

/** What was asked and what came of it, each cut to be shown in a list. */
export const historyItem = localRunItem.extend({
  prompt: z.string().nullable(),
  result: z.string().nullable(),
});
export type HistoryItem = z.infer<typeof historyItem>;

/**
 * What `GET /history` answers, newest first. One answer looks through a bounded part of the journal, so it may have few runs,
 * or none, and still a `next`; `null` where nothing older is left.
 */
export const historyPage = z.object({ runs: z.array(historyItem), next: z.int().nullable() });
export type HistoryPage = z.infer<typeof historyPage>;

export const usageQuery = z.object({ days: z.coerce.number().int().min(1).max(90).default(30) });

/** A row of `GET /usage`: the tokens of a model's steps on one day of this device's own calendar (`2026-11-24`). */
export const dayUsage = z.object({ day: z.string(), model: z.string(), usage });
export type DayUsage = z.infer<typeof dayUsage>;

/** `GET /logs`: the end of the daemon's log, then what comes, of this level and worse. */
export const logQuery = z.object({ level: z.enum(LOG_LEVELS).default('info') });
export type LogQuery = z.infer<typeof logQuery>;

export const logLine = logEntry.extend({ type: z.literal('log') });
export type LogLine = z.infer<typeof logLine>;

/** What `POST /page` answers. */
export const pageAsked = z.object({
  /** With a token that opens the page once, until `expiresAt`. */
  url: z.string(),
  /** A file, readable by its owner alone, that sends a browser there; gone when the token is. */
  file: z.string(),
  expiresAt: z.string(),
});
export type PageAsked = z.infer<typeof pageAsked>;

/** `after` is a runSequence: 0 tells everything. */
export const eventsQuery = z.object({ after: z.coerce.number().int().min(0).default(0) });

/** What `GET /doctor` answers: what the daemon sees of this machine from where it is. */
export const findings = z.object({
  /** Whether the system runs the daemon, or somebody's shell. */
  asService: z.boolean(),
  findings: z.array(finding),
});
export type Findings = z.infer<typeof findings>;

/** `finish`: runs under way go on to their end. `now`: they are put down, and go on after `resume`. */
export const pauseRequest = z.object({ mode: z.enum(['finish', 'now']).default('finish') });
export type PauseMode = z.infer<typeof pauseRequest>['mode'];

/** What still pauses the device, after `POST /pause` or `POST /resume`. */
export const pauseAnswer = z.object({ paused: z.array(z.string()) });

/** What `POST /reload` answers: config keys that changed (and `keys` for provider keys), in effect now or from the next start on. */
export const reloadAnswer = z.object({ applied: z.array(z.string()), restart: z.array(z.string()) });
export type ReloadAnswer = z.infer<typeof reloadAnswer>;

/** A row of `GET /approvals`. */
export const pendingQuestion = approvalRequested.extend({ runId: z.string(), agent: z.string() });
export type PendingQuestion = z.infer<typeof pendingQuestion>;

export const approvalAnswered = z.object({ approvalId: z.string() });
export const cancelled = z.object({ runId: z.string() });
export const steered = z.object({ runId: z.string() });
export const stopping = z.object({ stopping: z.literal(true) });

export const controlError = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** A line of a stream: a durable event, a live delta, a line of the log, or one of the two below, which are always the last. */
export const streamLine = z.looseObject({ type: z.string() });
export type StreamLine = z.infer<typeof streamLine>;

/** Ends a stream that failed. */
export const errorLine = z.object({ type: z.literal('error'), code: z.string(), message: z.string() });
