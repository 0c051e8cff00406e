import type { Command, Option } from 'commander';

/** A command as its help shows it. What is hidden from the help is not here either. */
export interface CommandNode {
  /** Without the program's own name; empty for the program. */
  words: readonly string[];
  description: string;
  /** `<runId>`, `[shell]` … */
  arguments: readonly string[];
  options: readonly OptionNode[];
  children: readonly CommandNode[];
}

export interface OptionNode {
  /** `--wait` */
  long: string;
  /** `-h` */
  short: string | undefined;
  /** `<seconds>`; undefined where it takes no value. */
  value: string | undefined;
  description: string;
}

/** The program's own tree of commands, from which completions and the manual are made, so that neither can differ from it. */
export function describeCommands(command: Command, words: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  return {
    words,
    description: command.description(),
    arguments: command.registeredArguments.map((one) =>
      one.required ? `<${one.name()}>` : `[${one.name()}]`,
    ),
    options: help.visibleOptions(command).flatMap(describeOption),
    children: children.map((child) => describeCommands(child, [...words, child.name()])),
  };
}

/** All commands of a tree, each after its parent. */
export function allCommands(node: CommandNode): CommandNode[] {
  return [node, ...node.children.flatMap(allCommands)];
}

function describeOption({ long, short, flags, description }: Option): OptionNode[] {
  if (long === undefined || long === null) return [];
  return [{ long, short: short ?? undefined, value: /[<[].*[>\]]/.exec(flags)?.[0], description }];
}
