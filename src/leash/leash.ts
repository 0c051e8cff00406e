import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import type { ProcessIdentity } from './process-table.ts';
import type { Proxies } from './sandbox-proxies.ts';

/** A command to open on a pty of its own. */
export interface SessionRequest {
  file: string;
  args: string[];
  /** Absolute. */
  cwd: string;
  /** The whole environment but for the mark; nothing is inherited. */
  env: Record<string, string>;
  /** Unique to the command; all it starts bears it as `RUNMESH_SESSION`. */
  mark: string;
  /** Whose it is: refusals of what it may touch are told under this name. */
  owner: string;
  /** What it may touch. A command of an MCP server or of another engine carries one as well. */
  policy: SandboxPolicy;
  /** A repository may have appeared since the last command: its config and hooks are to be protected at once. */
  newRepository?: boolean;
  /** The way to the domains of the policy, where it has some. */
  proxies?: Proxies;
  columns: number;
  rows: number;
}

export interface SessionExit {
  /** `null` when a signal ended it. */
  exitCode: number | null;
  signal: number | null;
}

/** A command on its pty, held at a gate until `release`. */
export interface LeashSession {
  readonly process: ProcessIdentity;
  /** Settles when the command has ended and its last output was handed over; never rejects. */
  readonly exited: Promise<SessionExit>;
  /** Settles when nothing of the command is left, what it put into the background included. */
  readonly ended: Promise<void>;
  /** Lets the command go. Until then it has run nothing. */
  release(): void;
  write(text: string): void;
  /** Called with output in order. `cut` UTF-16 units before `text` were let go, since they came too fast. */
  onOutput(listener: (text: string, cut: number) => void): void;
  /** Ends the command and all it started: SIGTERM, then SIGKILL; resolves when none is left. */
  end(): Promise<void>;
}

export interface Leash {
  /** False when the helper has ended, however it came. */
  readonly alive: boolean;
  open(request: SessionRequest): Promise<LeashSession>;
  /** Ends every session and the helper process. */
  close(): Promise<void>;
}
