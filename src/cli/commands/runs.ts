import { connectControl } from '../../control/client.ts';
import { formatAgo, formatTable, formatUsage } from '../../control/words/format.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine } from '../render/clean.ts';
import { type RunFrame, RunRenderer } from '../render/run-renderer.ts';

export async function listRunsCommand(context: CliContext, output: Output, limit: number): Promise<number> {
  const runs = await connectControl(pathsOf(context).socket).listRuns(limit);
  for (const run of runs) output.tell({ type: 'run', ...run });
  const rows = runs.map(({ runId, status, agent, acceptedAt, origin }) => [
    runId,
    status,
    cleanLine(agent),
    origin,
    formatAgo(acceptedAt, context.clock.now()),
  ]);
  if (rows.length === 0) output.say('This device has had no run yet.');
  else
    for (const line of formatTable([['run', 'status', 'agent', 'origin', 'accepted'], ...rows]))
      output.say(line);
  return 0;
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
