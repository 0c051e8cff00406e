import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a command waits at before it runs: a FIFO that it reads one line of. */
export interface Gate {
  path: string;
  open(): void;
  /** Forgets the gate. A command that still waits at it reads the end of the file and gives up. */
  discard(): void;
}

/**
 * Gates, made a few at a time, since each `mkfifo` is a process. The helper holds each FIFO open for reading and
 * writing, so that neither end ever blocks; when the helper dies, even by SIGKILL, the system closes it, and a command
 * that was not let go never runs.
 */
export class Gates {
  /** The helper's own, empty but for the gates. */
  readonly folder = mkdtempSync(join(tmpdir(), 'leash-'));
  #made = 0;
  #ready: Gate[] = [];

  take(): Gate {
    if (this.#ready.length === 0) this.#make();
    const gate = this.#ready.pop();
    if (gate === undefined) throw new Error('no gate could be made');
    return gate;
  }

  close(): void {
    for (const gate of this.#ready) gate.discard();
    this.#ready = [];
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(): void {
    const paths = Array.from({ length: BATCH }, () => join(this.folder, `gate-${this.#made++}`));
    execFileSync('/usr/bin/mkfifo', ['-m', '600', ...paths]);
    this.#ready = paths.map(gateAt);
  }
}

function gateAt(path: string): Gate {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  let held = true;
  return {
    path,
    open: () => {
      if (held) writeSync(fd, 'go\n');
    },
    discard: () => {
      if (!held) return;
      held = false;
      closeSync(fd);
      unlinkSync(path);
    },
  };
}

const BATCH = 16;
