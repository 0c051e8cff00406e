import { commit, type Journal } from './journal.ts';

/**
 * Commits that a call is about to run. From here on it is not run again unless it only reads. The disk is waited for only
 * where the call may act before the next synced commit: not when it only reads, nor when its command is `held` until its
 * process is committed.
 */
export function recordIntent(
  journal: Journal,
  runId: string,
  call: { callId: string; name: string; repeatable: boolean; held: boolean },
): void {
  commit(
    journal,
    () =>
      journal.statements
        .get('INSERT INTO intents (run_id, call_id, name, repeatable, intended_at) VALUES (?, ?, ?, ?, ?)')
        .run(runId, call.callId, call.name, call.repeatable ? 1 : 0, journal.clock.now()),
    call.repeatable || call.held ? 'unsynced' : 'synced',
  );
}

/** Whether a call without an outcome had been about to run. */
export function hasIntent(journal: Journal, runId: string, callId: string): boolean {
  const sql = 'SELECT 1 FROM intents WHERE run_id = ? AND call_id = ?';
  return journal.statements.get(sql).get(runId, callId) !== undefined;
}
