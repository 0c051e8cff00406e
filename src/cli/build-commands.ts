import { Command, InvalidArgumentError, Option } from 'commander';
import type { CliContext } from './context.ts';
import type { Output } from './output.ts';

/** What a command does; answers its exit code. */
export type Work = (output: Output) => Promise<number>;
/** Does a command's work with the output its options ask for, and keeps the exit code. */
export type ActOn = (command: Command, work: Work) => Promise<void>;

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
  const add = (usage: string, description: string, example: string, parent = program): Command =>
    addCommonOptions(parent.command(usage))
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExample:\n  ${example}`);

  add(
    'demo',
    'Shows a whole run on this computer: a mesh, a device, an agent that mends a failing test.',
    'runmesh demo',
  )
    .option(
      '--model <name>',
      'a real model, such as anthropic/claude-sonnet-4-5, with its key in the environment',
    )
    .option('--keep', 'keep the demo’s folder')
    .action((options, command) =>
      act(command, async (output) => (await import('./demo/demo.ts')).demoCommand(context, output, options)),
    );

  add('link', 'Links this device to an account.', 'runmesh link --mesh http://127.0.0.1:4780 --name "My Mac"')
    .option('--mesh <url>', 'the mesh; RUNTOOLS_API_URL or RunTools’ own where it is not given')
    .option('--name <label>', 'what the owner sees this device as')
    .option(
      '--insecure',
      'allow a mesh without TLS on another machine: everything can then be read on the way',
    )
    .action((options, command) =>
      act(command, async (output) =>
        (await import('./commands/link.ts')).linkCommand(context, output, options),
      ),
    );

  add(
    'unlink',
    'Revokes this device on its mesh and erases its key here. History stays.',
    'runmesh unlink',
  ).action((_options, command) =>
    act(command, async (output) => (await import('./commands/unlink.ts')).unlinkCommand(context, output)),
  );

  add(
    'daemon',
    'Runs the daemon in the foreground: takes this device’s runs and executes them.',
    'runmesh daemon',
  ).action((_options, command) =>
    act(command, async (output) => (await import('./commands/daemon.ts')).daemonCommand(context, output)),
  );

  add(
    'mesh',
    'Runs the embedded mesh: the server side, for one machine or a team.',
    'runmesh mesh --port 4780 --data ~/runmesh-mesh',
  )
    .option('--port <number>', 'port to listen on, 0 for any', readPort, 4780)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'where its state is kept')
    .option('--public-url <url>', 'the address devices and callers use, behind a proxy')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('./commands/mesh.ts')).meshCommand(context, output, options),
      ),
    );

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
    .option('--here', 'this device starts and executes the run itself')
    .action((agent, prompt, options, command) =>
      act(command, async (output) =>
        (await import('./commands/run.ts')).runCommand(context, output, agent, prompt, options),
      ),
    );

  add('status', 'Says what the daemon is doing.', 'runmesh status --json').action((_options, command) =>
    act(command, async (output) => (await import('./commands/status.ts')).statusCommand(context, output)),
  );

  addRuns(add, context, act);
  addConfig(add, context, act);
  return program;
}

type Add = (usage: string, description: string, example: string, parent?: Command) => Command;

function addRuns(add: Add, context: CliContext, act: ActOn): void {
  const load = () => import('./commands/runs.ts');
  const limit = new Option('--limit <number>', 'most runs to list').argParser(readCount).default(20);
  const runs = add(
    'runs',
    'Lists this device’s runs; its sub-commands look at one.',
    'runmesh runs tail RUN_ID',
  )
    .addOption(limit)
    .action((options, command) =>
      act(command, async (output) => (await load()).listRunsCommand(context, output, options.limit)),
    );
  add('list', 'Lists them, as `runmesh runs` alone does.', 'runmesh runs list --limit 5', runs)
    .addOption(limit)
    .action((options, command) =>
      act(command, async (output) => (await load()).listRunsCommand(context, output, options.limit)),
    );
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

function addConfig(add: Add, context: CliContext, act: ActOn): void {
  const load = () => import('./commands/config.ts');
  const config = add(
    'config',
    'Reads and sets this device’s config.',
    'runmesh config set workspaces.default ~/code',
  );
  add('get <key>', 'Prints a key’s value.', 'runmesh config get drainMs', config).action(
    (key, _options, command) =>
      act(command, async (output) => (await load()).configCommand(context, output, 'get', key)),
  );
  add('set <key> <value>', 'Sets a key.', 'runmesh config set maxConcurrentRuns 3', config).action(
    (key, value, _options, command) =>
      act(command, async (output) => (await load()).configCommand(context, output, 'set', key, value)),
  );
  add('unset <key>', 'Goes back to a key’s default.', 'runmesh config unset shell', config).action(
    (key, _options, command) =>
      act(command, async (output) => (await load()).configCommand(context, output, 'unset', key)),
  );
  add('list', 'Prints the whole config in effect.', 'runmesh config list --json', config).action(
    (_options, command) =>
      act(command, async (output) => (await load()).configCommand(context, output, 'list')),
  );
}

function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'a line of JSON for each thing there is to say')
    .addOption(new Option('--debug', 'with an error, its stack').hideHelp());
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('A whole number from 1 is wanted.');
}
