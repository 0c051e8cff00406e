import type { RunError } from '../protocol/errors.ts';
import type { DurablePayload } from '../protocol/events.ts';

/**
 * A run's life as a pure machine. Invariants (the table in `test/runs/run-state.test.ts` is complete, the compiler
 * sees to it):
 *
 * - R1 `start` comes only out of `queued`, so a run has at most one loop.
 * - R2 `finish` comes only on entering `ended`, and nothing leaves `ended`: one end a run.
 * - R3 A loop that was told to stop is waited for: only `returned` leaves `stopping`.
 * - R4 What a loop achieved before it noticed that it was to stop counts.
 */
export type RunState =
  | { at: 'queued' }
  | { at: 'running' }
  | { at: 'stopping'; why: StopReason }
  | { at: 'ended' };

/** `suspend` puts a run down to go on later; the others end it. */
export type StopReason = 'cancel' | 'deadline' | 'suspend';

export type RunInput =
  /** It is the run's turn, and there is a place for it. */
  { type: 'turn' } | { type: 'stop'; why: StopReason } | { type: 'returned'; outcome: Outcome };

/** How a loop came back. */
export type Outcome =
  | { kind: 'completed'; result: string }
  | { kind: 'failed'; error: RunError; result: string | null }
  /** It was put down between two steps, or aborted. */
  | { kind: 'suspended' }
  /** The disk is full: the run goes on when it is not. */
  | { kind: 'stalled' };

/** Whether a run goes on later by itself. */
export function isPutDown({ kind }: Outcome): boolean {
  return kind === 'suspended' || kind === 'stalled';
}

export type RunEnd = Pick<DurablePayload<'run_completed'>, 'status' | 'result' | 'error'>;

export type RunEffect =
  | { type: 'start' }
  | { type: 'abort'; why: StopReason }
  | { type: 'finish'; end: RunEnd }
  | { type: 'wait_for_disk' };

export interface RunStep {
  state: RunState;
  effects: readonly RunEffect[];
}

export function next(state: RunState, input: RunInput): RunStep {
  switch (state.at) {
    case 'queued':
      if (input.type === 'turn') return step({ at: 'running' }, { type: 'start' });
      if (input.type === 'stop' && input.why !== 'suspend') return ended(endOfStop(input.why));
      return stay(state);
    case 'running':
      if (input.type === 'stop') {
        return step({ at: 'stopping', why: input.why }, { type: 'abort', why: input.why });
      }
      return input.type === 'returned' ? afterLoop(input.outcome, 'suspend') : stay(state);
    case 'stopping':
      if (input.type === 'returned') return afterLoop(input.outcome, state.why);
      // Being put down gives way to being ended; the loop is stopping already.
      if (input.type === 'stop' && state.why === 'suspend') return step({ at: 'stopping', why: input.why });
      return stay(state);
    case 'ended':
      return stay(state);
  }
}

function afterLoop(outcome: Outcome, why: StopReason): RunStep {
  if (outcome.kind === 'completed') return ended({ status: 'completed', result: outcome.result });
  if (why !== 'suspend') return ended(endOfStop(why));
  if (outcome.kind === 'failed')
    return ended({ status: 'failed', result: outcome.result, error: outcome.error });
  if (outcome.kind === 'stalled') return step({ at: 'queued' }, { type: 'wait_for_disk' });
  return step({ at: 'queued' });
}

function endOfStop(why: Exclude<StopReason, 'suspend'>): RunEnd {
  if (why === 'cancel') return { status: 'cancelled', result: null };
  const error = {
    code: 'deadline_exceeded',
    message: 'The run was not done by its deadline. Give it more time with config.deadlineMs.',
  };
  return { status: 'failed', result: null, error };
}

function ended(end: RunEnd): RunStep {
  return step({ at: 'ended' }, { type: 'finish', end });
}

function step(state: RunState, ...effects: RunEffect[]): RunStep {
  return { state, effects };
}

/** A no-op gives back the same object, so that a test can tell it from a transition. */
function stay(state: RunState): RunStep {
  return { state, effects: NOTHING };
}

const NOTHING: readonly RunEffect[] = [];
