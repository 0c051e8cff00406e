import { runAgent } from '../agent/agent.ts';
import type { AgentEnd, AgentPorts } from '../agent/ports.ts';
import type { Redactor } from '../guard/redact.ts';
import { appendEvents } from '../journal/append-events.ts';
import { markRunning } from '../journal/count-death.ts';
import type { Journal } from '../journal/journal.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { hasIntent, recordIntent } from '../journal/record-intent.ts';
import { recordOutcome } from '../journal/record-outcome.ts';
import { recordProcessEnded, recordProcessStarted } from '../journal/record-process.ts';
import { readSpent, recordSpent } from '../journal/record-spent.ts';
import { hasSteers, takeSteers } from '../journal/steer-run.ts';
import { codeOf, isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import { prefixedId, type Random } from '../kit/random.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';
import { type Approvals, PUT_DOWN } from './approvals.ts';
import { auditCall, auditChanges } from './audit-run.ts';
import { beginRun } from './begin-run.ts';
import type { Delta, LiveTexts } from './live-texts.ts';
import { maskEvents } from './mask-events.ts';
import type { RunHost } from './ports.ts';
import { RunMeter } from './run-meter.ts';
import type { Outcome } from './run-state.ts';

/** What one execution of a run works with. */
export interface Execution {
  journal: Journal;
  random: Random;
  host: RunHost;
  redactor: Redactor;
  audit: RecordAudit;
  approvals: Pick<Approvals, 'allow'>;
  order: DispatchOrder;
  texts: LiveTexts;
  signal: AbortSignal;
  suspended(): boolean;
  onCommitted(): void;
  onSettling(): void;
  /** A step or a call's outcome was committed: the run got further. */
  onProgress(): void;
  /** The run waits for its owner, or no longer does. */
  onWaiting(waits: boolean): void;
  onDelta(delta: Delta): void;
}

/** Runs the agent loop over the run's committed events and says how it came back. Never throws. */
export async function executeRun(execution: Execution): Promise<Outcome> {
  const { journal, host, order } = execution;
  let meter: RunMeter | undefined;
  try {
    const { tools, workspace } = host.prepare(order);
    meter = openMeter(execution);
    const signal = AbortSignal.any([execution.signal, meter.signal]);
    const allowed = narrowTurns(order, host.limits(order).turns);
    let events = readRunEvents(journal, order.runId);
    if (events.length === 0) events = beginRun(execution, workspace.name);
    else markRunning(journal, order.runId, true);
    execution.onCommitted();
    meter.addEvents(events);
    meter.watch().catch(() => {});
    const ports = portsOf({ ...execution, signal }, meter, tools, workspace);
    let end = await runAgent({ order: allowed, events }, ports, signal);
    // Words that came while the last answer was being committed were promised to be heard.
    while (end.finish === 'completed' && hasSteers(journal, order.runId)) {
      end = await runAgent({ order: allowed, events: readRunEvents(journal, order.runId) }, ports, signal);
    }
    return outcomeOf(end);
  } catch (error) {
    if (execution.signal.aborted || isRunmeshError(error, PUT_DOWN)) return { kind: 'suspended' };
    if (meter?.signal.aborted) return failed(execution, meter.signal.reason);
    if (isRunmeshError(error, 'disk_full')) return { kind: 'stalled' };
    return failed(execution, error);
  } finally {
    meter?.stop();
  }
}

function failed({ redactor }: Execution, error: unknown): Outcome {
  const message = redactor.text(messageOf(error));
  return { kind: 'failed', error: { code: failureCode(error), message }, result: null };
}

function openMeter({ journal, host, order }: Execution): RunMeter {
  const { runId, agent } = order;
  const spent = { activeMs: 0, outputBytes: 0, diskBytes: 0, ...readSpent(journal, runId) };
  const measure = () => host.measure(runId);
  const options = {
    limits: host.limits(order),
    price: host.price(agent.model),
    clock: journal.clock,
    spent,
    measure,
  };
  return new RunMeter(options, agent.model);
}

function narrowTurns(order: DispatchOrder, most: number | undefined): DispatchOrder {
  if (most === undefined) return order;
  const asked = order.config.maxTurns ?? order.agent.maxIterations ?? LIMITS.defaultMaxTurns;
  return { ...order, config: { ...order.config, maxTurns: Math.min(asked, most) } };
}

function outcomeOf(end: AgentEnd): Outcome {
  if (end.finish === 'suspended') return { kind: 'suspended' };
  if (end.finish === 'completed') return { kind: 'completed', result: end.result };
  const message = `The run took ${end.maxTurns} turns without an answer. Allow more with config.maxTurns, or ask for less.`;
  return { kind: 'failed', error: { code: 'max_turns', message }, result: end.result };
}

function failureCode(error: unknown): string {
  return error instanceof RunmeshError
    ? error.code
    : codeOf(error) === 'ENOSPC'
      ? 'disk_full'
      : 'internal_error';
}

/** What the run does to the world: everything it says is masked here, before it is committed or told. */
function portsOf(
  execution: Execution,
  meter: RunMeter,
  tools: AgentPorts['tools'],
  workspace: AgentPorts['workspace'],
): AgentPorts {
  const { journal, host, order, texts, random, redactor } = execution;
  const { runId } = order;
  const written = new Map<string, string>();
  const committed = (events: RunEvent[]) => {
    texts.close(events);
    execution.onCommitted();
    meter.addEvents(events);
    return events;
  };
  const settled = (events: readonly RunEvent[]) => {
    const masked = maskEvents(redactor, events);
    for (const delta of texts.finish(masked)) execution.onDelta(delta);
    execution.onSettling();
    recordSpent(journal, runId, { ...meter.spent });
    return masked;
  };
  return {
    models: host.models,
    tools,
    workspace,
    platform: host.platform,
    commitStep: (events) => {
      for (const { type, payload } of events) {
        if (type === 'tool_call') written.set(payload.callId, payload.arguments);
      }
      const masked = settled(events);
      appendEvents(journal, runId, masked);
      committed(masked);
      execution.onProgress();
      return masked;
    },
    allow: (call, repeatable) =>
      meter.waiting(execution.approvals.allow({ order, call, repeatable, workspace }, execution)),
    commitIntent: (call) => {
      auditCall(execution.audit, runId, { ...call, written: redactor.text(call.written) });
      if (WRITES_FILES.has(call.name)) meter.addToolBytes(call.written.length);
      recordIntent(journal, runId, call);
    },
    commitOutcome: (callId, events) => {
      const masked = settled(events);
      auditChanges(execution.audit, runId, masked);
      recordOutcome(journal, runId, callId, masked);
      written.delete(callId);
      committed(masked);
      execution.onProgress();
      return masked;
    },
    commitEvents: (events) => {
      const masked = maskEvents(redactor, events);
      appendEvents(journal, runId, masked);
      return committed(masked);
    },
    takeSteers: () => {
      const events = takeSteers(journal, runId);
      return events.length > 0 ? committed(events) : events;
    },
    onDelta: (delta) => tell(execution, delta),
    toolContext: (callId, { outside }) => ({ ...toolContextOf(execution, workspace, callId), outside }),
    argumentsOf: (call) => written.get(call.callId) ?? call.arguments,
    callState: (callId) => (hasIntent(journal, runId, callId) ? 'intent' : 'none'),
    suspended: execution.suspended,
    newId: (prefix) => prefixedId(random, prefix),
    monotonic: () => journal.clock.monotonic(),
  };
}

function tell({ texts, onDelta }: Execution, delta: Delta): void {
  const masked = texts.apply(delta);
  if (masked !== undefined) onDelta(masked);
}

function toolContextOf(
  execution: Execution,
  workspace: AgentPorts['workspace'],
  callId: string,
): Omit<ReturnType<AgentPorts['toolContext']>, 'outside'> {
  const { journal, host, order, signal } = execution;
  const { runId } = order;
  let offset = 0;
  return {
    runId,
    callId,
    workspace,
    agentEnvironment: host.agentEnvironment(order),
    signal,
    onOutput: (text) => {
      tell(execution, { messageId: callId, kind: 'tool_output', offset, text });
      offset += text.length;
    },
    onProcessStarted: (sessionId, process) =>
      recordProcessStarted(journal, { runId, sessionId, callId, ...process }),
    onProcessEnded: (sessionId) => recordProcessEnded(journal, runId, sessionId),
  };
}

/** What the model wrote is about what they write. */
const WRITES_FILES: ReadonlySet<string> = new Set(['write_file', 'edit_file', 'apply_patch']);
