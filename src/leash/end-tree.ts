import { setTimeout as delay } from 'node:timers/promises';
import { listProcesses } from './process-table.ts';
import type { ProcessTree } from './process-tree.ts';

/**
 * Ends every process of a command: SIGTERM and SIGHUP, then SIGKILL for who is still there, looked at again until none
 * is left (a process may have started another in between). Answers how many it had to end.
 */
export async function endTree(tree: ProcessTree): Promise<number> {
  const ended = new Set<number>();
  const sweep = (signals: NodeJS.Signals[]): number => {
    const table = listProcesses();
    tree.observeMarked(table);
    const alive = tree.alive(table);
    for (const { pid } of alive) {
      ended.add(pid);
      for (const signal of signals) sendSignal(pid, signal);
    }
    return alive.length;
  };
  if (sweep(['SIGTERM', 'SIGHUP', 'SIGCONT']) === 0) return 0;
  for (let waited = 0; waited < GRACE_MS; waited += POLL_MS) {
    await delay(POLL_MS);
    if (sweep([]) === 0) return ended.size;
  }
  for (let tries = 0; tries < KILL_TRIES && sweep(['SIGKILL']) > 0; tries += 1) await delay(POLL_MS);
  return ended.size;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in between, or is no longer ours to signal.
  }
}

/** A shell that saves its history, a server that closes its files: enough for those, short for a person who waits. */
const GRACE_MS = 750;
const POLL_MS = 25;
const KILL_TRIES = 100;
