import type { CliContext, Terminal } from './context.ts';
import { createPaint, type Paint } from './render/paint.ts';

/** How one command speaks: lines for people, or a line of JSON for each thing it has to say. */
export interface Output {
  readonly json: boolean;
  readonly paint: Paint;
  /** stdout as a person sees it. */
  readonly screen: Terminal;
  /** A line on stdout, for people only. */
  say(line: string): void;
  /** A line of JSON on stdout, for programs only. */
  tell(value: unknown): void;
  /** A line on stderr, for people only: what they should know and a program need not. */
  note(line: string): void;
}

export function createOutput(context: CliContext, { json }: { json: boolean }): Output {
  const { stdout, stderr } = context;
  const silent = () => {};
  return {
    json,
    paint: createPaint(context.env, stdout),
    screen: stdout,
    say: json ? silent : (line) => void stdout.write(`${line}\n`),
    tell: json ? (value) => void stdout.write(`${JSON.stringify(value)}\n`) : silent,
    note: json ? silent : (line) => void stderr.write(`${line}\n`),
  };
}
