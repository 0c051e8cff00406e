import { connectControl } from '../../control/client.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { describePause } from '../render/pause-words.ts';

export async function pauseCommand(
  context: CliContext,
  output: Output,
  { now = false, finish = false }: { now?: boolean; finish?: boolean },
): Promise<number> {
  if (now && finish) throw new RunmeshError('usage', 'Give --finish or --now, not both.');
  const mode = now ? 'now' : 'finish';
  const paused = await connectControl(pathsOf(context).socket).pause(mode);
  output.tell({ type: 'paused', mode, paused });
  output.say(
    now
      ? 'Paused: runs under way are put down and go on from their last step.'
      : 'Paused: runs under way go on to their end, and no other starts.',
  );
  output.say('It stays so, after a restart too, until `runmesh resume`.');
  return 0;
}

export async function resumeCommand(context: CliContext, output: Output): Promise<number> {
  const paused = await connectControl(pathsOf(context).socket).resume();
  output.tell({ type: 'resumed', paused });
  if (paused.length === 0) output.say('Runs are taken and executed again.');
  for (const reason of paused) output.say(`Your pause is lifted, but ${describePause(reason)}.`);
  return 0;
}
