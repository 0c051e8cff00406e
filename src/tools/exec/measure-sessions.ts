import { readFileSync } from 'node:fs';
import { listProcesses, type ProcessIdentity, type ProcessRow } from '../../leash/process-table.ts';
import { ProcessTree } from '../../leash/process-tree.ts';

/** What a run's commands have used. `processes` counts those alive now, the other two all there ever was. */
export interface SessionsUse {
  processes: number;
  outputBytes: number;
  diskBytes: number;
}

/** Measures the commands of one run. */
export class SessionsMeter {
  outputBytes = 0;
  readonly #sessions = new Map<string, { tree: ProcessTree; diskBytes: number; gone: boolean }>();
  #last: { at: number; use: SessionsUse } | undefined;

  add(process: ProcessIdentity, mark: string): void {
    this.#sessions.set(mark, { tree: new ProcessTree(process, mark), diskBytes: 0, gone: false });
  }

  ended(mark: string): void {
    const session = this.#sessions.get(mark);
    if (session !== undefined) session.gone = true;
  }

  /** Looks at the process table, which costs a millisecond or ten, at most every half second. */
  measure(monotonic: number): SessionsUse {
    if (this.#last === undefined || monotonic - this.#last.at >= FRESH_MS) {
      this.#last = { at: monotonic, use: this.#look() };
    }
    return { ...this.#last.use, outputBytes: this.outputBytes };
  }

  #look(): SessionsUse {
    const sessions = [...this.#sessions.values()];
    const table = sessions.some(({ gone }) => !gone) ? listProcesses() : NOBODY;
    let processes = 0;
    for (const session of sessions) {
      if (session.gone) continue;
      session.tree.observe(table);
      const alive = session.tree.alive(table);
      processes += alive.length;
      // What a child wrote goes over to the parent that waits for it. One that nobody waits for takes its count along.
      const now = alive.reduce((sum, { pid }) => sum + bytesWritten(pid), 0);
      session.diskBytes = Math.max(session.diskBytes, now);
    }
    const diskBytes = sessions.reduce((sum, session) => sum + session.diskBytes, 0);
    return { processes, outputBytes: this.outputBytes, diskBytes };
  }
}

/**
 * Bytes that a process, and the children it has waited for, caused to be written to storage (proc(5), `write_bytes`). 0 where
 * the system does not tell (macOS).
 */
function bytesWritten(pid: number): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const NOBODY: ReadonlyMap<number, ProcessRow> = new Map();
const FRESH_MS = 500;
