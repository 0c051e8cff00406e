import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { commandEnvironment } from '../guard/environment.ts';
import { resolveInside } from '../guard/inside.ts';
import type { Workspace } from '../guard/workspaces.ts';
import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { Random } from '../kit/random.ts';
import { answerAbout } from './exec/answer.ts';
import { aboutRepositories, beginRepository } from './exec/begin-repository.ts';
import { findShell } from './exec/find-shell.ts';
import type { RunSessions } from './exec/run-sessions.ts';
import type { Tool } from './tool.ts';

export interface ExecOptions {
  sessions: RunSessions;
  clock: Clock;
  random: Random;
  /** The daemon's own environment, of which the guard lets little through. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The owner's choice of a shell; `$SHELL` where there is none. */
  shell: string | undefined;
}

const input = z.strictObject({
  cmd: z.string().min(1).describe('Shell command to run.'),
  workdir: z
    .string()
    .optional()
    .describe('Folder to run it in, inside the workspace. Default: the workspace itself.'),
  shell: z.string().min(1).optional().describe("Shell to run it with. Default: the user's own."),
  tty: z
    .boolean()
    .optional()
    .describe(
      'True for programs that a person would use at a terminal: colours, cursor movement. Default: false.',
    ),
  login: z.boolean().optional().describe("Whether the shell reads the user's login files. Default: true."),
  yield_time_ms: z
    .number()
    .optional()
    .describe('How long to wait before answering. Default 10000, from 250 to 30000.'),
  max_output_tokens: z.number().min(1).optional().describe('Most tokens of output to answer. Default 10000.'),
  with_escalated_permissions: z
    .boolean()
    .optional()
    .describe(
      'True asks the owner of this computer to let the command run outside the sandbox. Only where it cannot work inside.',
    ),
  justification: z
    .string()
    .max(500)
    .optional()
    .describe('With with_escalated_permissions: one sentence to the owner, why.'),
});

/**
 * Runs a command on a pty, always. Without `tty` it is dressed so that programs neither colour nor page nor wait for an
 * editor, and its line ends are plain.
 */
export function execCommand(options: ExecOptions): Tool<z.infer<typeof input>> {
  return {
    name: 'exec_command',
    description:
      'Runs a shell command and answers its output. A command still running after yield_time_ms goes on, and the answer has a session ID: read more of it, or type into it, with write_stdin. A server belongs into such a session: what a command leaves in the background may end with it. `git init` works as the first command of a line.',
    input,
    repeatable: false,
    held: true,
    execute: async (call, context) => {
      const tty = call.tty ?? false;
      const began = options.clock.monotonic();
      const policy = { ...context.workspace.policy, ...(context.outside && { sandboxed: false }) };
      const env = commandEnvironment({
        own: options.environment,
        agent: context.agentEnvironment,
        interactive: tty,
        temporary: context.workspace.policy.temporary,
      });
      const cwd = await workingFolder(context.workspace, call.workdir ?? '.');
      const file = findShell({
        asked: call.shell,
        configured: options.shell,
        own: options.environment.SHELL,
        path: env.PATH,
        cwd,
      });
      const begun = await beginRepository(call.cmd, { ...context.workspace, policy }, cwd);
      const request = {
        file,
        args: [call.login === false ? '-c' : '-lc', begun.command],
        cwd,
        env,
        policy,
        newRepository: begun.repository,
        ...(tty ? TERMINAL_SIZE : WIDE_SIZE),
      };
      const session = await options.sessions.start({ command: call.cmd, tty, request }, context);
      const yieldMs = Math.max(MIN_YIELD_MS, Math.min(MAX_YIELD_MS, call.yield_time_ms ?? USUAL_YIELD_MS));
      await session.wait(options.clock, yieldMs, context.signal, context.onOutput);
      if (session.exit !== undefined) options.sessions.forget(context.runId, session);
      const text = answerAbout(session, {
        wallTimeMs: options.clock.monotonic() - began,
        maxOutputTokens: call.max_output_tokens,
        random: options.random,
      });
      const failed = session.exit !== undefined && session.exit.exitCode !== 0;
      return { text: failed ? text + aboutRepositories(call.cmd, policy) : text };
    },
  };
}

async function workingFolder(workspace: Workspace, workdir: string): Promise<string> {
  const { real, path } = await resolveInside(workspace, workdir);
  const stats = await stat(real).catch(() => undefined);
  if (stats?.isDirectory()) return real;
  const why = stats === undefined ? 'does not exist' : 'is not a folder';
  throw new RunmeshError('not_a_folder', `workdir: ${path} ${why}, so nothing was run.`);
}

/** The Codex CLI's default and bounds. */
const USUAL_YIELD_MS = 10_000;
export const MIN_YIELD_MS = 250;
export const MAX_YIELD_MS = 30_000;
/** Wide enough that tables and paths do not wrap or get cut. */
const WIDE_SIZE = { columns: 200, rows: 50 };
const TERMINAL_SIZE = { columns: 120, rows: 40 };
