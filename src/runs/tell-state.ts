import { countSteps } from '../journal/count-steps.ts';
import type { Journal } from '../journal/journal.ts';
import { readRun } from '../journal/read-run.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { ActiveRun, OrderResult } from './ports.ts';
import type { RunState } from './run-state.ts';

export function refusedOrder(journal: Journal, runId: string): OrderResult {
  const known = readRun(journal, runId) !== undefined;
  return known
    ? { status: 'refused', code: 'run_ended', message: `Run ${runId} has ended.` }
    : { status: 'refused', code: 'unknown_run', message: `This device has no run ${runId}.` };
}

export function activeRun(
  journal: Journal,
  { order, state, startedAt }: { order: DispatchOrder; state: RunState; startedAt: number | undefined },
): ActiveRun {
  return {
    runId: order.runId,
    threadId: order.threadId,
    agent: order.agent.slug,
    state: stateToTell(state),
    step: countSteps(journal, order.runId),
    startedAt,
  };
}

/** A run whose end waits for space on the disk is one that stops. */
export function stateToTell(state: RunState): ActiveRun['state'] {
  return state.at === 'ended' ? 'stopping' : state.at;
}

export function wordsFor(active: number, waiting: number, paused: string[]): string {
  const work = active === 0 ? 'no run is active' : `${active} active`;
  const queue = waiting === 0 ? '' : `, ${waiting} waiting`;
  return `${work}${queue}${paused.length === 0 ? '' : `, paused: ${paused.join(', ')}`}`;
}
