import type { Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { describeCommands } from '../completion/command-tree.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Output } from '../output.ts';

export type Shell = keyof typeof SCRIPTS;

/** The completion script of a shell, made from the commands there are. */
export function completionCommand(output: Output, program: Command, shell: Shell): number {
  const script = SCRIPTS[shell](describeCommands(program));
  output.tell({ type: 'completion', shell, script });
  output.say(script.trimEnd());
  return 0;
}

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
