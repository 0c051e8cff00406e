import { join } from 'node:path';
import { dropCommonDir } from '../guard/drop-common-dir.ts';
import { findRepositories } from '../guard/find-repositories.ts';
import { gitFoldersIn, isOfWorktree } from '../guard/git-folders.ts';
import { statsOf } from '../guard/paths.ts';
import { freeNames, protectedPlaces } from '../guard/protected-places.ts';
import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import { noteMade } from './left-names.ts';
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

interface Looked {
  /** When to look again. */
  until: number;
  found: string[];
  all: boolean;
}

/**
 * The lines of every policy, each made anew when the disk does not look as it did: what is protected are paths, and a path
 * that appeared since is not among them. Making one starts two processes (about 6 ms), so one is kept while it is used.
 */
export class SandboxLines {
  readonly #platform: NodeJS.Platform;
  readonly #helperFolder: string;
  readonly #made = new Map<string, MadeLine>();
  readonly #say: (sentence: string) => void;
  readonly #repositories = new Map<string, Looked>();

  /** `say` is told what the owner should know of the folders that are to be protected. */
  constructor(platform: NodeJS.Platform, helperFolder: string, say: (sentence: string) => void) {
    this.#platform = platform;
    this.#helperFolder = helperFolder;
    this.#say = say;
  }

  /** The repositories are looked for anew for the next line: one was made for whoever asks for it. */
  lookAgain(): void {
    for (const looked of this.#repositories.values()) looked.until = 0;
  }

  async hold(policy: SandboxPolicy, proxies: Proxies | undefined): Promise<HeldLine> {
    const key = JSON.stringify([policy, proxies]);
    this.#dropCommonDirs(policy);
    if (this.#platform === 'linux') refuseLinkedGit(policy);
    const neverWritten = policy.writable.flatMap((root) => protectedPlaces(root, this.#repositoriesIn(root)));
    neverWritten.push(...policy.protected);
    if (this.#platform === 'linux') refuseTooMany(policy, neverWritten);
    const looks = [...neverWritten, ...policy.hidden, ...policy.readable].map(lookOf).join('\n');
    let made = this.#made.get(key);
    if (made === undefined || made.looks !== looks) {
      noteMade(this.#helperFolder, freeNames(neverWritten, policy));
      const line = await makeSandboxLine(policy, neverWritten, proxies, this.#platform);
      made = { ...line, looks, users: 0, uses: 0 };
      const before = this.#made.get(key);
      this.#made.set(key, made);
      if (before?.users === 0) before.undo();
    }
    made.users += 1;
    made.uses += 1;
    const release = () => {
      this.#dropCommonDirs(policy);
      this.#release(key, made);
    };
    return { line: made.line, release };
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

  #dropCommonDirs(policy: SandboxPolicy): void {
    for (const root of policy.writable) {
      for (const git of new Set([join(root, '.git'), ...this.#repositoriesIn(root)])) {
        dropCommonDir(git);
        for (const inner of gitFoldersIn(git)) if (!isOfWorktree(inner, git)) dropCommonDir(inner);
      }
    }
  }

  /** A repository that appears within a command cannot be protected from that command, so a look now and then will do. */
  #repositoriesIn(root: string): string[] {
    const known = this.#repositories.get(root);
    const began = performance.now();
    if (known !== undefined && began < known.until) return known.found;
    const { found, all } = findRepositories(root, known?.found);
    if (!all && known?.all !== false) this.#say(`${root} ${TOO_MANY_FOLDERS}`);
    const now = performance.now();
    // A look into a folder of very many is not worth more of everybody's time.
    const until = now + Math.max(LOOK_AGAIN_MS, 20 * (now - began));
    this.#repositories.set(root, { until, found, all });
    return found;
  }
}

/** Whoever may write in a folder can replace a link in it, and bubblewrap can only protect what a link leads to. */
function refuseLinkedGit({ writable }: SandboxPolicy): void {
  const linked = writable.map((root) => join(root, '.git')).find((path) => statsOf(path)?.isSymbolicLink());
  if (linked === undefined) return;
  throw new Error(
    `${linked} is a symbolic link, which a sandbox cannot protect, so nothing was run. Put a file there that says where the repository is: gitdir: FOLDER`,
  );
}

/** bubblewrap takes 9,000 words, some six for each of these, and each mount takes it longer than the one before. */
function refuseTooMany({ writable }: SandboxPolicy, neverWritten: readonly string[]): void {
  if (neverWritten.length <= MOST_PLACES) return;
  throw new Error(
    `there are too many git repositories in ${writable.join(', ')} for a sandbox to protect, so nothing was run. Delete those that nobody needs, or let the run work in a smaller folder.`,
  );
}

/** What a path is, so that a change of what it leads to shows. */
function lookOf(path: string): string {
  const stats = statsOf(path);
  return stats === undefined ? `${path} -` : `${path} ${stats.dev}:${stats.ino}:${stats.mode & 0o170000}`;
}

/** Long enough for the next command of a busy run. The empty folders over names that do not exist go with the line. */
const KEPT_MS = 250;
const LOOK_AGAIN_MS = 5_000;
const MOST_PLACES = 1_400;
const TOO_MANY_FOLDERS =
  'has more folders than are looked into, so of the repositories in it only those are protected from runs that lie in its oldest folders, that its .gitmodules and worktrees name, or that were found before';
