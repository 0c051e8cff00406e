import { RunmeshError } from '../kit/errors.ts';

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a program and answers how it ended. Throws `command_missing` where there is no such program. */
export type RunCommand = (
  file: string,
  args: readonly string[],
  options?: RunCommandOptions,
) => Promise<CommandResult>;

export interface RunCommandOptions {
  cwd?: string;
  /** A program that takes longer is ended, and exits with 124, as `timeout` has it. */
  timeoutMs?: number;
  env?: Readonly<Record<string, string>>;
}

/** The real one, with the environment's PATH. */
export function createRunCommand(env: Readonly<Record<string, string | undefined>>): RunCommand {
  return async (file, args, { cwd, timeoutMs = TIMEOUT_MS, env: further } = {}) => {
    const { execa } = await import('execa');
    const { exitCode, stdout, stderr, code, timedOut } = await execa(file, args, {
      env: { ...env, ...further },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      timeout: timeoutMs,
      maxBuffer: MAX_OUTPUT,
      ...(cwd !== undefined && { cwd }),
    });
    if (code === 'ENOENT') {
      throw new RunmeshError(
        'command_missing',
        `There is no program \`${file}\` on the PATH of this shell (${env.PATH ?? 'which has none'}).`,
      );
    }
    return { exitCode: timedOut ? 124 : (exitCode ?? 1), stdout: String(stdout), stderr: String(stderr) };
  };
}

/** Longer than launchctl takes to end a job that drains. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 10_000_000;
