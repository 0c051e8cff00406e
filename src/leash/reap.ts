import { endTree } from './end-tree.ts';
import { findMarked, listProcesses, type ProcessIdentity } from './process-table.ts';
import { ProcessTree } from './process-tree.ts';

/**
 * Ends what is still alive of commands that an earlier daemon started, with their sessions and descendants. Only a
 * process whose pid and start time are both those of the journal is touched; a pid that was given away is not. Answers
 * how many processes were ended.
 */
export async function reapProcesses(identities: readonly MarkedProcess[]): Promise<number> {
  const table = listProcesses();
  const trees = identities
    .filter((identity) => belongsToUs(identity, table))
    .map((identity) => new ProcessTree(identity, identity.mark));
  const counts = await Promise.all(trees.map((tree) => endTree(tree)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** A command's process with the mark its descendants bear. */
export interface MarkedProcess extends ProcessIdentity {
  mark: string;
}

/**
 * The leader itself still lives; or it is gone and its session is not, which is the same session as long as nobody got
 * the leader's pid (the kernel gives no pid away that is a session's number); or somebody bears the command's mark.
 */
function belongsToUs(
  { pid, startTime, sid, mark }: MarkedProcess,
  table: ReturnType<typeof listProcesses>,
): boolean {
  const leader = table.get(pid);
  if (leader?.startTime === startTime) return true;
  if (leader !== undefined) return findMarked(mark).size > 0;
  return [...table.values()].some((row) => row.sid === sid) || findMarked(mark).size > 0;
}
