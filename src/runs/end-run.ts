import { iterationsOf, usageOf } from '../agent/usage.ts';
import { finishRun } from '../journal/finish-run.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { auditEnded } from './audit-run.ts';
import type { RunsOptions } from './ports.ts';
import type { RunEnd } from './run-state.ts';

/** Commits a run's end with what its committed steps used. Recorded before it is committed, so that no end goes unrecorded. */
export function endRun(
  { journal, audit }: Pick<RunsOptions, 'journal' | 'audit'>,
  runId: string,
  { status, result, error }: RunEnd,
): void {
  const events = readRunEvents(journal, runId);
  const counted = { usage: usageOf(events), iterations: iterationsOf(events) };
  const end = { status, result, ...counted, ...(error && { error }) };
  auditEnded(audit, runId, end);
  finishRun(journal, runId, end);
}
