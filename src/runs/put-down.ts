import { markRunning } from '../journal/count-death.ts';
import type { Journal } from '../journal/journal.ts';
import { hasSteers } from '../journal/steer-run.ts';
import { isRunmeshError } from '../kit/errors.ts';
import type { Outcome, RunState } from './run-state.ts';

/**
 * A run that has answered, and to which something was said while its commands were ended, is put back to hear it: those words
 * were promised to be heard. One that is to end anyway goes by what it achieved (R4).
 */
export function unlessWordsWait(journal: Journal, runId: string, state: RunState, outcome: Outcome): Outcome {
  const goesOn = state.at === 'running' || (state.at === 'stopping' && state.why === 'suspend');
  const waits = outcome.kind === 'completed' && goesOn && hasSteers(journal, runId);
  return waits ? { kind: 'suspended' } : outcome;
}

/** Marks that the run's loop is not at work, so that a death of the process is not counted as its doing. */
export function putDown(journal: Journal, runId: string): void {
  try {
    markRunning(journal, runId, false);
  } catch (error) {
    // A death would then be counted that was none; the run goes on all the same.
    if (!isRunmeshError(error, 'disk_full')) throw error;
  }
}
