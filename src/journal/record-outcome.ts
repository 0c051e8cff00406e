import type { RunEvent } from '../protocol/events.ts';
import { appendEvents } from './append-events.ts';
import { commit, type Journal } from './journal.ts';

/** Commits a call's outcome: its events, and in the same transaction the end of its intent. */
export function recordOutcome(
  journal: Journal,
  runId: string,
  callId: string,
  events: readonly RunEvent[],
): number {
  return commit(journal, () => {
    journal.statements.get('DELETE FROM intents WHERE run_id = ? AND call_id = ?').run(runId, callId);
    return appendEvents(journal, runId, events);
  });
}
