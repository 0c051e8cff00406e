import type { ApprovalRequest, ApprovalResolution } from '../protocol/approvals.ts';
import type { Journal } from './journal.ts';

/** What was asked and what was answered, in the order of the events. */
export interface ApprovalHistory {
  asked: ApprovalRequest[];
  answered: ApprovalResolution[];
}

export function readApprovals(journal: Journal, runId: string): ApprovalHistory {
  const rows = journal.statements
    .get(
      "SELECT type, payload FROM events WHERE run_id = ? AND type IN ('approval_requested', 'approval_resolved') ORDER BY run_sequence",
    )
    .all(runId) as { type: string; payload: string }[];
  const of = (type: string) => rows.filter((row) => row.type === type).map((row) => JSON.parse(row.payload));
  // An older version had no `forRun`: it offered the run always, and whether that holds is looked at again.
  const asked = of('approval_requested').map((one): ApprovalRequest => ({ forRun: true, ...one }));
  return { asked, answered: of('approval_resolved') };
}

/** Runs that have not ended and have asked something, oldest turn first. */
export function listAskingRuns(journal: Journal): string[] {
  const rows = journal.statements
    .get(
      "SELECT run_id FROM runs WHERE status IS NULL AND EXISTS (SELECT 1 FROM events WHERE events.run_id = runs.run_id AND type = 'approval_requested') ORDER BY turn",
    )
    .all() as { run_id: string }[];
  return rows.map(({ run_id }) => run_id);
}
