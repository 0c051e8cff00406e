import { lstatSync } from 'node:fs';
import { gitFolders, namesWithoutFolder, protectedPlaces } from '../guard/protected-places.ts';
import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import { noteFolders } from './left-folders.ts';
import { makeSandboxLine, type SandboxLine } from './sandbox-line.ts';
import type { Proxies } from './sandbox-proxies.ts';

/** A line while a command runs by it. */
export interface HeldLine {
  line: string;
  /** The command has ended. */
  release(): void;
}

interface MadeLine extends SandboxLine {
  /** The disk as it was when the line was made. */
  looks: string;
  /** Commands that run by it. */
  users: number;
  /** Counts uses, so that a timer knows whether there were more since. */
  uses: number;
}

/**
 * The lines of every policy, each made anew when the disk does not look as it did: what is protected are paths, and a path
 * that appeared since is not among them. Making one starts two processes (about 6 ms), so one is kept while it is used.
 */
export class SandboxLines {
  readonly #platform: NodeJS.Platform;
  readonly #helperFolder: string;
  readonly #made = new Map<string, MadeLine>();
  readonly #repositories = new Map<string, { at: number; found: string[] }>();

  constructor(platform: NodeJS.Platform, helperFolder: string) {
    this.#platform = platform;
    this.#helperFolder = helperFolder;
  }

  async hold(policy: SandboxPolicy, proxies: Proxies | undefined): Promise<HeldLine> {
    const key = JSON.stringify([policy, proxies]);
    const neverWritten = policy.writable.flatMap((root) => protectedPlaces(root, this.#repositoriesIn(root)));
    neverWritten.push(...policy.protected);
    const looks = [...neverWritten, ...policy.hidden, ...policy.readable].map(lookOf).join('\n');
    let made = this.#made.get(key);
    if (made === undefined || made.looks !== looks) {
      noteFolders(this.#helperFolder, namesWithoutFolder(neverWritten));
      const line = await makeSandboxLine(policy, neverWritten, proxies, this.#platform);
      made = { ...line, looks, users: 0, uses: 0 };
      const before = this.#made.get(key);
      this.#made.set(key, made);
      if (before?.users === 0) before.undo();
    }
    made.users += 1;
    made.uses += 1;
    return { line: made.line, release: () => this.#release(key, made) };
  }

  /** Undoes every line, whoever runs by it. */
  close(): void {
    for (const made of this.#made.values()) made.undo();
    this.#made.clear();
  }

  #release(key: string, made: MadeLine): void {
    made.users -= 1;
    if (made.users > 0) return;
    if (this.#made.get(key) !== made) {
      made.undo();
      return;
    }
    const { uses } = made;
    setTimeout(() => {
      if (made.uses !== uses || this.#made.get(key) !== made) return;
      this.#made.delete(key);
      made.undo();
    }, KEPT_MS).unref();
  }

  /** A repository that appears within a command cannot be protected from that command, so a look now and then will do. */
  #repositoriesIn(root: string): string[] {
    const known = this.#repositories.get(root);
    const now = performance.now();
    if (known !== undefined && now - known.at < LOOK_AGAIN_MS) return known.found;
    const found = gitFolders(root);
    this.#repositories.set(root, { at: now, found });
    return found;
  }
}

/** What a path is, so that a change of what it leads to shows. */
function lookOf(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? `${path} -` : `${path} ${stats.dev}:${stats.ino}:${stats.mode & 0o170000}`;
}

/** Long enough for the next command of a busy run. The empty folders over names that do not exist go with the line. */
const KEPT_MS = 250;
const LOOK_AGAIN_MS = 5_000;
