import { type ControlClient, connectControl } from '../../control/client.ts';
import type { HistoryItem, LocalRunItem } from '../../control/contract.ts';
import { formatAgo, formatTable, formatUsage } from '../../control/words/format.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine, shorten } from '../render/clean.ts';
import { type RunFrame, RunRenderer } from '../render/run-renderer.ts';

export interface ListRunsOptions {
  limit: number;
  /** Words that the run's id, agent, prompt or result holds. */
  search?: string;
}

export async function listRunsCommand(
  context: CliContext,
  output: Output,
  { limit, search = '' }: ListRunsOptions,
): Promise<number> {
  const client = connectControl(pathsOf(context).socket);
  const runs: (LocalRunItem | HistoryItem)[] =
    search === '' ? await client.listRuns(limit) : await findRuns(client, search, limit);
  for (const run of runs) output.tell({ type: 'run', ...run });
  const rows = runs.map((run) => [
    run.runId,
    run.status,
    cleanLine(run.agent),
    run.origin,
    formatAgo(run.acceptedAt, context.clock.now()),
    ...('prompt' in run ? [shorten(cleanLine(run.prompt ?? ''), PROMPT_WIDTH)] : []),
  ]);
  const head = ['run', 'status', 'agent', 'origin', 'accepted', ...(search === '' ? [] : ['asked to'])];
  if (rows.length > 0) for (const line of formatTable([head, ...rows])) output.say(line);
  else if (search === '') output.say('This device has had no run yet.');
  else output.say(`No run of this device has “${cleanLine(search)}” in its id, agent, prompt or result.`);
  return 0;
}

/** The daemon looks through a part of its journal at a time. */
async function findRuns(client: ControlClient, search: string, limit: number): Promise<HistoryItem[]> {
  const found: HistoryItem[] = [];
  let before: number | undefined;
  do {
    const page = await client.history({ search, before, limit: Math.min(limit - found.length, 100) });
    found.push(...page.runs);
    before = page.next ?? undefined;
  } while (before !== undefined && found.length < limit);
  return found;
}

export async function showRunCommand(context: CliContext, output: Output, runId: string): Promise<number> {
  const run = await connectControl(pathsOf(context).socket).readRun(runId);
  output.tell({ type: 'run', ...run });
  const rows = [
    ['run', run.runId],
    ['thread', run.threadId],
    ['agent', cleanLine(run.agent)],
    ['status', run.status],
    ['accepted', formatAgo(run.acceptedAt, context.clock.now())],
    ['ended', run.endedAt === null ? 'not yet' : formatAgo(run.endedAt, context.clock.now())],
    ['steps', String(run.iterations)],
    ['usage', formatUsage(run.usage)],
    ['events', `${run.committed} committed, ${run.acked} acknowledged by the mesh`],
    ...(run.error === undefined ? [] : [['error', cleanLine(`${run.error.code}: ${run.error.message}`)]]),
    ...(run.result === null ? [] : [['result', cleanLine(run.result)]]),
  ];
  for (const line of formatTable(rows)) output.say(line);
  return 0;
}

export async function tailRunCommand(context: CliContext, output: Output, runId: string): Promise<number> {
  const client = connectControl(pathsOf(context).socket);
  const renderer = new RunRenderer(context.stdout, output.paint);
  for await (const frame of client.runEvents(runId, { after: 0, signal: context.unread })) {
    if (output.json) output.tell(frame);
    else renderer.show(frame as RunFrame);
  }
  return 0;
}

export async function cancelRunCommand(context: CliContext, output: Output, runId: string): Promise<number> {
  await connectControl(pathsOf(context).socket).cancel(runId);
  output.tell({ type: 'cancelled', runId });
  output.say(`Run ${runId} is being cancelled.`);
  return 0;
}

export async function steerRunCommand(
  context: CliContext,
  output: Output,
  runId: string,
  words: string,
): Promise<number> {
  await connectControl(pathsOf(context).socket).steer(runId, words);
  output.tell({ type: 'steered', runId });
  output.say('The run will hear it before its next step.');
  return 0;
}

const PROMPT_WIDTH = 50;
