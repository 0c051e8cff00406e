import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';

/** What a command does; answers its exit code. */
export type Work = (output: Output) => Promise<number>;
/** Does a command's work with the output its options ask for, and keeps the exit code. */
export type ActOn = (command: Command, work: Work) => Promise<void>;
/** A new command with the options all have, its help and an example; of the program itself where `parent` is left out. */
export type Add = (usage: string, description: string, example: string, parent?: Command) => Command;

/** What a group of commands is built with. */
export interface GroupParts {
  add: Add;
  act: ActOn;
  context: CliContext;
}

export function createAdd(program: Command): Add {
  return (usage, description, example, parent = program) =>
    addCommonOptions(parent.command(usage))
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExample:\n  ${example}`);
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'a line of JSON for each thing there is to say')
    .addOption(new Option('--debug', 'with an error, its stack').hideHelp());
}

export function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

export function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('A whole number from 1 is wanted.');
}
