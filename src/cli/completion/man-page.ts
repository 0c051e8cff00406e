import type { Command } from 'commander';
import { allCommands, type CommandNode, describeCommands, type OptionNode } from './command-tree.ts';

/** `runmesh(1)`, in the `man` macros, from the commands there are. `date` is `YYYY-MM-DD`. */
export function renderManPage(
  program: Command,
  { version, date }: { version: string; date: string },
): string {
  const tree = describeCommands(program);
  const commands = allCommands(tree).slice(1);
  return [
    `.TH RUNMESH 1 ${date} "runmesh ${version}" "RunMesh"`,
    '.SH NAME',
    'runmesh \\- the device daemon of RunMesh',
    '.SH SYNOPSIS',
    '.B runmesh',
    '.RI [ command ]',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    roff(tree.description),
    'Without a command it prints the next sensible step on this device.',
    '.SH OPTIONS',
    ...tree.options.flatMap(optionLines),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH "EXIT STATUS"',
    '0 done, 1 failed, 2 used wrongly.',
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => ['.TP', `.B ${name}`, meaning]),
    '.SH FILES',
    'The device\\(cqs state is in',
    '.I ~/Library/Application Support/RunMesh',
    '(macOS) or',
    '.IR ~/.local/state/runmesh .',
    '',
  ].join('\n');
}

function commandLines({ words, arguments: args, description, options, children }: CommandNode): string[] {
  const own = options.filter(({ long }) => !COMMON.includes(long));
  const usage = ['runmesh', ...words, ...args, ...(children.length > 0 ? ['command'] : [])].join(' ');
  return [`.SS ${quote(usage)}`, roff(description), ...own.flatMap(optionLines)];
}

function optionLines({ long, short, value, description }: OptionNode): string[] {
  const names = [short, long].filter(Boolean).join(', ');
  return ['.TP', `.B ${quote(`${names}${value === undefined ? '' : ` ${value}`}`)}`, roff(description)];
}

function quote(text: string): string {
  return `"${roff(text).replaceAll('"', '\\(dq')}"`;
}

/** A hyphen is written as a minus, so that what is copied from the page works; a line must not begin with a macro. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '\\&...')
    .replace(/^([.'])/, '\\&$1');
}

/** Said once, for all commands. */
const COMMON: readonly string[] = ['--json', '--help'];
const ENVIRONMENT = [
  ['RUNMESH_HOME', 'Where the state of the device is kept instead.'],
  ['RUNMESH_SECRETS', '\\(lqfile\\(rq keeps secrets in a file that only its owner can read.'],
  ['RUNTOOLS_API_URL, RUNTOOLS_API_KEY', 'The mesh and the key that a caller uses.'],
  ['NO_COLOR', 'No colours.'],
] as const;
