import type { DispatchOrder } from '../protocol/frames.ts';
import { commit, type Journal } from './journal.ts';

export type RunOrigin = 'dispatched' | 'here';

/** Commits a run. A run that is known already stays as it is, so that a dispatch seen twice starts one run. */
export function acceptRun(journal: Journal, order: DispatchOrder, origin: RunOrigin): 'accepted' | 'known' {
  return commit(journal, () => {
    const { changes } = journal.statements
      .get(
        `INSERT INTO runs
           (run_id, thread_id, rollout_id, attempt, origin, dispatch, accepted_at, deadline_at, turn)
         VALUES (?, ?, ?, ?, ?, '', ?, ?, (SELECT coalesce(max(turn), 0) + 1 FROM runs))
         ON CONFLICT (run_id) DO NOTHING`,
      )
      .run(
        order.runId,
        order.threadId,
        order.rolloutId,
        order.attempt,
        origin,
        journal.clock.now(),
        Date.parse(order.deadlineAt),
      );
    if (Number(changes) === 0) return 'known';
    journal.statements
      .get('INSERT INTO dispatches (run_id, dispatch) VALUES (?, ?)')
      .run(order.runId, JSON.stringify(order));
    return 'accepted';
  });
}
