import type { Environment } from '../device/paths.ts';
import type { Clock } from '../kit/clock.ts';
import type { Random } from '../kit/random.ts';

/** Where a command writes; `process.stdout` and `process.stderr` fit. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** All that a command takes from the world, so that a test can be the world. */
export interface CliContext {
  env: Environment;
  platform: NodeJS.Platform;
  homedir: string;
  hostname: string;
  version: string;
  clock: Clock;
  random: Random;
  stdout: Terminal;
  stderr: Terminal;
  /** Aborts when nobody reads stdout any more (`runmesh … | head`). */
  unread: AbortSignal;
  /** The user's number; 0 where the system has none. */
  uid: number;
  /** Node's own binary. */
  nodeFile: string;
  /** The compiled program, for commands that start another of it. */
  programFile: string;
  /** Calls `handler` at each SIGINT and SIGTERM, instead of dying; the answer takes it away again. */
  onSignal(handler: () => void): () => void;
  /** Whether somebody sits at standard input, who can be asked something. */
  canAsk: boolean;
  /** What a person types at a prompt, from when it stands there; `undefined` at the input's end, or when `signal` aborts. */
  askLine(prompt: string, signal: AbortSignal): Promise<string | undefined>;
  /** What a person types unseen, or standard input where that is no terminal. */
  askSecret(question: string): Promise<string>;
  /** Starts a program of the desktop and leaves it alone; whether it could be started. */
  launch(command: string, args: readonly string[]): Promise<boolean>;
  /** Leaves at once, whatever is under way: for a second signal. */
  leave(code: number): void;
}
