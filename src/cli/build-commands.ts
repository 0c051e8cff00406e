import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addDevice } from './groups/device.ts';
import { type ActOn, addCommonOptions, createAdd, type GroupParts } from './groups/group.ts';
import { addOversight } from './groups/oversight.ts';
import { addRuns } from './groups/runs.ts';
import { addService } from './groups/service.ts';
import { addStartHere } from './groups/start-here.ts';

/** Every command of the program, with its options, its help and what it loads when it is called. */
export function buildCommands(context: CliContext, act: ActOn, { json }: { json: boolean }): Command {
  const program = new Command('runmesh')
    .description('The device daemon of RunMesh: agents started anywhere work on this computer.')
    .version(context.version)
    .showSuggestionAfterError()
    .showHelpAfterError('(runmesh --help tells more)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void (json || context.stderr.write(text)),
    });
  addCommonOptions(program);
  const parts: GroupParts = { add: createAdd(program), act, context };
  for (const [heading, addGroup] of GROUPS) {
    program.commandsGroup(heading);
    addGroup(parts);
  }
  return program;
}

/** In the order in which a newcomer needs them; `--help` shows them so. */
const GROUPS: readonly [heading: string, addGroup: (parts: GroupParts) => void][] = [
  ['Start here:', addStartHere],
  ['This device:', addDevice],
  ['What it does:', addOversight],
  ['Its service:', addService],
  ['Runs:', addRuns],
];
