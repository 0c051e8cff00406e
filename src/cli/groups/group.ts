import { resolve } from 'node:path';
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

export function readUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('An address such as https://mesh.example.org is wanted.');
}

/** An absolute path. */
export function readFolder(text: string): string {
  if (text.trim() !== '') return resolve(text);
  throw new InvalidArgumentError('A folder is wanted.');
}

export function readCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('A whole number from 1 is wanted, of fifteen digits at most.');
}

/** Epoch milliseconds of an instant, or of so long before `now`. */
export function readSince(text: string, now: number): number {
  const [, count, unit] = /^(\d+)\s*([smhd])$/.exec(text) ?? [];
  const instant =
    count === undefined || unit === undefined ? Date.parse(text) : now - Number(count) * (UNIT_MS[unit] ?? 0);
  if (Math.abs(instant) <= MOST_MS) return instant;
  throw new InvalidArgumentError('Give an instant such as 2026-11-24T10:00Z, or so long ago: 30m, 12h, 7d.');
}

/** A date's own limit, either side of 1970. */
const MOST_MS = 8.64e15;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
