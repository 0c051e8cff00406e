import { findMarked, type ProcessIdentity, type ProcessRow } from './process-table.ts';

type Table = ReadonlyMap<number, ProcessRow>;

/**
 * The processes of one command: what it started, and what those started. One that left its session (`setsid`) and lost
 * its parent is still known when it was once seen as a descendant, or by the mark in its environment.
 */
export class ProcessTree {
  readonly #root: ProcessIdentity;
  readonly #mark: string;
  readonly #seen = new Map<number, ProcessIdentity>();

  constructor(root: ProcessIdentity, mark: string) {
    this.#root = root;
    this.#mark = mark;
    this.#seen.set(root.pid, root);
  }

  /** Remembers who belongs to the command now. */
  observe(table: Table): void {
    for (;;) {
      const before = this.#seen.size;
      for (const row of table.values())
        if (!this.#knows(row) && this.#belongs(row, table)) this.#seen.set(row.pid, row);
      if (this.#seen.size === before) return;
    }
  }

  /** Also remembers who bears the command's mark: dearer than `observe`, and needed when the command is ended. */
  observeMarked(table: Table): void {
    for (const pid of findMarked(this.#mark)) {
      const row = table.get(pid);
      if (row !== undefined && isNotOlder(row, this.#root)) this.#seen.set(pid, row);
    }
    this.observe(table);
  }

  /** Those of the command that live; a pid that went to another process is not among them. */
  alive(table: Table): ProcessRow[] {
    return [...this.#seen.values()].flatMap(({ pid, startTime }) => {
      const row = table.get(pid);
      return row !== undefined && row.startTime === startTime && !row.zombie ? [row] : [];
    });
  }

  #knows(row: ProcessRow): boolean {
    return this.#seen.get(row.pid)?.startTime === row.startTime;
  }

  #belongs(row: ProcessRow, table: Table): boolean {
    const parent = this.#seen.get(row.parentPid);
    if (parent !== undefined && table.get(parent.pid)?.startTime === parent.startTime) return true;
    // The session's number is its leader's pid, which cannot be given away while a member lives.
    return row.sid === this.#root.sid && isNotOlder(row, this.#root);
  }
}

/** Linux stamps are ticks since boot and can be compared; where they are no numbers, the session id decides alone. */
function isNotOlder(row: ProcessIdentity, root: ProcessIdentity): boolean {
  const [a, b] = [Number(row.startTime), Number(root.startTime)];
  return Number.isNaN(a) || Number.isNaN(b) || a >= b;
}
