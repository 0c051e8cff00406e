import type { RecordAudit } from '../protocol/audit.ts';
import type { DurablePayload, RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';

/** A run is about to be taken. */
export function auditAccepted(audit: RecordAudit, order: DispatchOrder, origin: string): void {
  const { agent, threadId, metadata } = order;
  const workspace = typeof metadata.workspace === 'string' ? metadata.workspace : 'default';
  audit('run_accepted', { agent: agent.slug, model: agent.model, origin, threadId, workspace }, order.runId);
}

export function auditEnded(audit: RecordAudit, runId: string, end: DurablePayload<'run_completed'>): void {
  const { status, usage, iterations, error } = end;
  const code = error === undefined ? {} : { code: error.code };
  audit('run_ended', { status, ...code, iterations, totalTokens: usage.totalTokens }, runId);
}

/**
 * A call is about to run. Those that only read are not recorded: the events tell of them. `written` are its arguments with
 * secrets masked: one that the shortening cuts in two would no longer be known.
 */
export function auditCall(
  audit: RecordAudit,
  runId: string,
  call: { callId: string; name: string; repeatable: boolean; outside: boolean; written: string },
): void {
  const { callId, name, repeatable, outside, written } = call;
  if (repeatable) return;
  const type = name === 'exec_command' || name === 'write_stdin' ? 'command' : 'tool';
  const where = outside ? { outsideSandbox: true } : {};
  audit(type, { callId, name, arguments: shortened(written), ...where }, runId);
}

export function auditChanges(audit: RecordAudit, runId: string, events: readonly RunEvent[]): void {
  for (const event of events) {
    if (event.type !== 'file_change') continue;
    const { callId, workspace, path, kind, movedTo } = event.payload;
    audit('file_change', { callId, workspace, path, kind, ...(movedTo !== undefined && { movedTo }) }, runId);
  }
}

/** The whole stands in the run's events. */
function shortened(text: string): string {
  return text.length <= MOST_UNITS ? text : `${text.slice(0, MOST_UNITS)}… (${text.length} characters)`;
}

const MOST_UNITS = 2_000;
