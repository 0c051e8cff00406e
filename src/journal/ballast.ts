import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { diskFull, isDiskFull } from '../kit/storage-failure.ts';

/**
 * Disk space held back in a file, for what must still be committed when the disk is full: the outcome of a command that
 * has run, the end of a run. Once it is spent, nothing new is begun until the file can be written again, which is also
 * how it is found out that there is space.
 */
export class Ballast {
  readonly #path: string;
  #held: boolean;

  constructor(path: string) {
    this.#path = path;
    this.#held = statSync(path, { throwIfNoEntry: false })?.size === BALLAST_BYTES;
  }

  get spent(): boolean {
    return !this.#held;
  }

  /** Gives the space back to the disk. `false` where none was held. */
  spend(): boolean {
    if (!this.#held) return false;
    this.#held = false;
    rmSync(this.#path, { force: true });
    return true;
  }

  /** Takes the space again. `false` while the disk does not have it. */
  fill(): boolean {
    if (this.#held) return true;
    try {
      writeWhole(this.#path);
      this.#held = true;
    } catch (error) {
      rmSync(this.#path, { force: true });
      if (!isDiskFull(error)) throw error;
    }
    return this.#held;
  }
}

/**
 * Opens what a start needs. Where the disk is too full even for that, the ballast of the journal at `path` makes room for
 * it once; without that, `disk_full` is thrown.
 */
export function openWithBallast<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    if (!ballastOf(path).spend()) throw diskFull(error);
    return open();
  }
}

export function ballastOf(path: string): Ballast {
  return new Ballast(`${path}.ballast`);
}

/** Random bytes, since a file system that compresses or leaves holes would hold nothing back for zeros. */
function writeWhole(path: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const bytes = randomBytes(BALLAST_BYTES);
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A few events at their largest, and the pages around them. */
const BALLAST_BYTES = 4 * 1_048_576;
