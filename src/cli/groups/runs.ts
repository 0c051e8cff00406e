import { type Command, Option } from 'commander';
import type { ListRunsOptions } from '../commands/runs.ts';
import { type GroupParts, readCount } from './group.ts';

/** Runs: started from here, and looked at. */
export function addRuns(parts: GroupParts): void {
  const { add, act, context } = parts;
  add(
    'run <agent> <prompt>',
    'Starts a run of an agent and shows it live.',
    'runmesh run worker "mend the failing test" --mesh http://127.0.0.1:4780',
  )
    .option('--mesh <url>', 'the mesh; RUNTOOLS_API_URL, or the one this device is linked to')
    .option('--key <key>', 'an API key; RUNTOOLS_API_KEY where it is not given')
    .option('--thread <id>', 'go on in this thread')
    .option('--workspace <name>', 'the device’s workspace to work in')
    .option('--max-turns <number>', 'most model calls of the run', readCount)
    .option('--insecure', 'allow a mesh without TLS on another machine: your key can then be read on the way')
    .option('--here', 'this device starts and executes the run itself')
    .action((agent, prompt, options, command) =>
      act(command, async (output) =>
        (await import('../commands/run.ts')).runCommand(context, output, agent, prompt, options),
      ),
    );
  addRunsOfDevice(parts);
  addApprovals(parts);
}

function addRunsOfDevice({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/runs.ts');
  const limit = new Option('--limit <number>', 'most runs to list; without --search at most 500')
    .argParser(readCount)
    .default(20);
  const search = new Option(
    '--search <words>',
    'only those whose id, agent, prompt or result has these words',
  );
  // Said after `list`, an option of both is taken for one of `runs`.
  const list = (_options: unknown, command: Command) => {
    const options = command.optsWithGlobals<ListRunsOptions>();
    return act(command, async (output) => (await load()).listRunsCommand(context, output, options));
  };
  const runs = add(
    'runs',
    'Lists this device’s runs; its sub-commands look at one.',
    'runmesh runs --search "flaky test"\n  runmesh runs tail RUN_ID',
  )
    .addOption(limit)
    .addOption(search)
    .action(list);
  add('list', 'Lists them, as `runmesh runs` alone does.', 'runmesh runs list --limit 5', runs)
    .addOption(limit)
    .addOption(search)
    .action(list);
  add('show <runId>', 'Shows one run.', 'runmesh runs show RUN_ID', runs).action((runId, _options, command) =>
    act(command, async (output) => (await load()).showRunCommand(context, output, runId)),
  );
  add('tail <runId>', 'Follows one run live.', 'runmesh runs tail RUN_ID', runs).action(
    (runId, _options, command) =>
      act(command, async (output) => (await load()).tailRunCommand(context, output, runId)),
  );
  add('cancel <runId>', 'Cancels one run.', 'runmesh runs cancel RUN_ID', runs).action(
    (runId, _options, command) =>
      act(command, async (output) => (await load()).cancelRunCommand(context, output, runId)),
  );
  add(
    'steer <runId> <text>',
    'Says something to a run under way.',
    'runmesh runs steer RUN_ID "only the tests, please"',
    runs,
  ).action((runId, text, _options, command) =>
    act(command, async (output) => (await load()).steerRunCommand(context, output, runId, text)),
  );
}

function addApprovals({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/approvals.ts');
  const list = (_options: unknown, command: Command) =>
    act(command, async (output) => (await load()).listApprovalsCommand(context, output));
  const approvals = add(
    'approvals',
    'Shows what runs ask you, and answers.',
    'runmesh approvals allow APPROVAL_ID',
  ).action(list);
  add('list', 'Lists them, as `runmesh approvals` alone does.', 'runmesh approvals list', approvals).action(
    list,
  );
  add('allow <approvalId>', 'Says yes, this once.', 'runmesh approvals allow APPROVAL_ID --run', approvals)
    .addOption(
      new Option('--run', 'and for the rest of the run: beyond the sandbox for this very command').conflicts(
        'always',
      ),
    )
    .addOption(new Option('--always', 'and for good, as the question says'))
    .action((approvalId, { run, always }, command) => {
      const decision = always ? 'always' : run ? 'run' : 'once';
      return act(command, async (output) =>
        (await load()).answerApprovalCommand(context, output, approvalId, { decision }),
      );
    });
  add('deny <approvalId>', 'Says no.', 'runmesh approvals deny APPROVAL_ID --words "use the copy"', approvals)
    .option('--words <words>', 'what the model should do instead')
    .action((approvalId, { words }, command) =>
      act(command, async (output) =>
        (await load()).answerApprovalCommand(context, output, approvalId, {
          decision: 'no',
          ...(words && { words }),
        }),
      ),
    );
}
