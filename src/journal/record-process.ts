import { commit, type Journal } from './journal.ts';

/** A command's process, as it can be found again after this one died: by pid and start time together. */
export interface JournaledProcess {
  runId: string;
  sessionId: number;
  callId: string;
  pid: number;
  startTime: string;
  sid: number;
}

/** Commits a process before its command is let go. */
export function recordProcessStarted(journal: Journal, process: JournaledProcess): void {
  commit(journal, () =>
    journal.statements
      .get(
        'INSERT OR REPLACE INTO processes (run_id, session_id, call_id, pid, start_time, sid) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(process.runId, process.sessionId, process.callId, process.pid, process.startTime, process.sid),
  );
}

/** Joins the next commit: a process that is gone is found to be gone by whoever looks for it. */
export function recordProcessEnded(journal: Journal, runId: string, sessionId: number): void {
  const sql = 'DELETE FROM processes WHERE run_id = ? AND session_id = ?';
  journal.deferred.push(() => journal.statements.get(sql).run(runId, sessionId));
}

/** What may still be alive of an earlier process of ours. */
export function listProcesses(journal: Journal): JournaledProcess[] {
  const rows = journal.statements
    .get('SELECT run_id, session_id, call_id, pid, start_time, sid FROM processes')
    .all() as {
    run_id: string;
    session_id: number;
    call_id: string;
    pid: number;
    start_time: string;
    sid: number;
  }[];
  return rows.map((row) => ({
    runId: row.run_id,
    sessionId: row.session_id,
    callId: row.call_id,
    pid: row.pid,
    startTime: row.start_time,
    sid: row.sid,
  }));
}
