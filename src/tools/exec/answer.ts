import { constants } from 'node:os';
import type { Random } from '../../kit/random.ts';
import type { SessionExit } from '../../leash/leash.ts';
import { DEFAULT_OUTPUT_TOKENS, MAX_OUTPUT_UNITS, tokensOf, UNITS_PER_TOKEN } from '../bounded-text.ts';
import type { CommandSession } from './command-session.ts';

export interface AnswerOptions {
  wallTimeMs: number;
  maxOutputTokens: number | undefined;
  random: Random;
}

/** The answer about a command in the form the Codex CLI gives it: lines of facts, then the output unread so far. */
export function answerAbout(session: CommandSession, options: AnswerOptions): string {
  const output = session.read();
  const budget = (options.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS) * UNITS_PER_TOKEN;
  return [
    `Chunk ID: ${options.random.bytes(3).toString('hex')}`,
    `Wall time: ${(options.wallTimeMs / 1_000).toFixed(4)} seconds`,
    session.exit === undefined ? `Process running with session ID ${session.id}` : exitLine(session.exit),
    `Original token count: ${tokensOf(output.units)}`,
    'Output:',
    output.within(Math.min(budget, MAX_OUTPUT_UNITS - FACTS_UNITS)),
  ].join('\n');
}

/** A signal is told as shells do, 128 + its number, and by its name. */
function exitLine({ exitCode, signal }: SessionExit): string {
  if (exitCode !== null) return `Process exited with code ${exitCode}`;
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
  return `Process exited with code ${128 + (signal ?? 0)} (ended by ${name ?? `signal ${signal}`})`;
}

/** Room for the lines above the output, and for the one that tells of a cut. */
const FACTS_UNITS = 500;
