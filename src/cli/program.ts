import { type Command, CommanderError } from 'commander';
import { codeOf, messageOf } from '../kit/errors.ts';
import { buildCommands } from './build-commands.ts';
import type { CliContext } from './context.ts';
import type { ActOn, Work } from './groups/group.ts';
import { createOutput } from './output.ts';
import { clean } from './render/clean.ts';
import { createPaint } from './render/paint.ts';

/**
 * Runs one command line and answers its exit code: 0 done, 1 failed, 2 used wrongly. Each command's file is loaded when
 * it is called, so that `runmesh status` does not wait for what only the daemon needs.
 */
export async function runProgram(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0;
  const act: ActOn = (command, work) => {
    const { json = false, debug = false } = command.optsWithGlobals<{ json?: boolean; debug?: boolean }>();
    return perform(context, { json, debug }, work).then((code) => {
      exitCode = code;
    });
  };
  const json = args.includes('--json');
  const program = buildCommands(context, act, { json });
  // An action of its own would have commander take an unknown command for an argument, and suggest nothing.
  if (args.every((arg) => arg.startsWith('-'))) {
    program.action((_options, command: Command) =>
      act(command, async (output) =>
        (await import('./commands/next-step.ts')).nextStepCommand(context, output),
      ),
    );
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed the help, the version, or for a person what was wrong.
    if (error.exitCode === 0) return 0;
    if (json) createOutput(context, { json }).tell({ type: 'error', code: 'usage', message: usageOf(error) });
    return 2;
  }
}

async function perform(
  context: CliContext,
  { json, debug }: { json: boolean; debug: boolean },
  work: Work,
): Promise<number> {
  const output = createOutput(context, { json });
  try {
    return await work(output);
  } catch (error) {
    if (context.unread.aborted) return 1;
    const [code, message] = [codeOf(error), messageOf(error)];
    output.tell({ type: 'error', code, message });
    const mark = createPaint(context.env, context.stderr)('red', 'error');
    output.note(debug && error instanceof Error ? String(error.stack) : `${mark} ${clean(message)}`);
    return code === 'usage' ? 2 : 1;
  }
}

/** Commander's words as one sentence: `unknown command 'lnik' (Did you mean link?)`. */
function usageOf({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a sub-command is missing';
  return message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
}
