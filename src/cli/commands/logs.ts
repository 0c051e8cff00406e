import { join } from 'node:path';
import { readConfig } from '../../device/config.ts';
import { readLog } from '../../device/read-log.ts';
import { RunmeshError } from '../../kit/errors.ts';
import { isAtLeast, type LogLevel, readLogLine } from '../../kit/log-entry.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { clean } from '../render/clean.ts';
import { formatLogEntry } from '../render/log-line.ts';

export interface LogsOptions {
  follow?: boolean;
  run?: string;
  level?: LogLevel;
  lines: number;
}

/** The daemon's log for a person: the last lines, and with `follow` those that come. */
export async function logsCommand(
  context: CliContext,
  output: Output,
  options: LogsOptions,
): Promise<number> {
  const paths = pathsOf(context);
  const file = join(paths.logs, 'daemon.log');
  const stop = new AbortController();
  const forget = context.onSignal(() => stop.abort());
  const signal = AbortSignal.any([stop.signal, context.unread]);
  const { kept } = readConfig(paths).logs;
  const { follow = false } = options;
  let last: (() => void)[] | undefined = [];
  let any = false;
  for await (const line of readLog({ file, kept, follow, clock: context.clock, signal })) {
    if (line === undefined) {
      for (const say of last ?? []) say();
      last = undefined;
      if (!any && !follow) throw missing(file);
      continue;
    }
    any = true;
    const say = sayer(context, output, options, line);
    if (say === undefined) continue;
    if (last === undefined) say();
    else if (last.push(say) > options.lines) last.shift();
  }
  forget();
  return 0;
}

/** How a line is said; `undefined` for one that was not asked for. What is not of the logger's form is shown as it is. */
function sayer(
  context: CliContext,
  output: Output,
  { run, level = 'trace' }: LogsOptions,
  line: string,
): (() => void) | undefined {
  const entry = readLogLine(line);
  if (entry === undefined)
    return run === undefined && line !== '' ? () => output.say(clean(line)) : undefined;
  if (run !== undefined && entry.fields.runId !== run) return undefined;
  if (!isAtLeast(entry, level)) return undefined;
  return () => {
    output.tell({ type: 'log', ...entry });
    output.say(formatLogEntry(entry, context.clock.now(), output.paint));
  };
}

function missing(file: string): RunmeshError {
  return new RunmeshError(
    'log_missing',
    `There is no log at ${file} yet. The daemon writes it: runmesh daemon`,
  );
}
