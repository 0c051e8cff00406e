import { type Command, Option } from 'commander';
import { type GroupParts, readCount } from './group.ts';

/** The daemon as a program of this machine: run by hand, or by the system. */
export function addService(parts: GroupParts): void {
  const { add, act, context } = parts;
  add(
    'daemon',
    'Runs the daemon in the foreground: takes this device’s runs and executes them.',
    'runmesh daemon',
  ).action((_options, command) =>
    act(command, async (output) => (await import('../commands/daemon.ts')).daemonCommand(context, output)),
  );
  addServiceVerbs(parts);
  addWait(
    add(
      'update',
      'Installs a newer version and switches to it; goes back by itself where it fails.',
      'runmesh update',
    ),
  )
    .option('--to <version>', 'this version instead of the newest')
    .option('--from <tarball>', 'from a packed file instead of the registry')
    .option('--allow-downgrade', 'also where that is an older version')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/update.ts')).updateCommand(context, output, options),
      ),
    );
  add(
    'doctor',
    'Looks at everything the daemon needs of this machine, and says what to do.',
    'runmesh doctor --fix',
  )
    .option('--fix', 'mend what can be mended without asking')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/doctor.ts')).doctorCommand(context, output, options),
      ),
    );
}

function addServiceVerbs({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/service.ts');
  const service = add(
    'service',
    'Has the system run the daemon: from login on, and again when it dies.',
    'runmesh service install',
  );
  addWait(
    add('install', 'Installs and starts it; mends one that is broken.', 'runmesh service install', service),
  )
    .option('--print-plist', 'only print the property list (macOS)')
    .option('--print-unit', 'only print the systemd unit (Linux)')
    .action((options, command) =>
      act(command, async (output) => (await load()).installServiceCommand(context, output, options)),
    );
  add(
    'uninstall',
    'Stops it and takes it away. The device stays linked, its history kept.',
    'runmesh service uninstall',
    service,
  ).action((_options, command) =>
    act(command, async (output) => (await load()).stopServiceCommand(context, output, 'uninstall')),
  );
  addWait(add('start', 'Starts it.', 'runmesh service start', service)).action((options, command) =>
    act(command, async (output) => (await load()).startServiceCommand(context, output, 'start', options)),
  );
  add(
    'stop',
    'Stops it until the next login; runs go on when it starts again.',
    'runmesh service stop',
    service,
  ).action((_options, command) =>
    act(command, async (output) => (await load()).stopServiceCommand(context, output, 'stop')),
  );
  addWait(
    add('restart', 'Lets it finish its steps, and starts it anew.', 'runmesh service restart', service),
  ).action((options, command) =>
    act(command, async (output) => (await load()).startServiceCommand(context, output, 'restart', options)),
  );
  add(
    'status',
    'Says what the system makes of it, and whether its daemon is registered.',
    'runmesh service status --json',
    service,
  ).action((_options, command) =>
    act(command, async (output) => (await load()).serviceStatusCommand(context, output)),
  );
}

function addWait(command: Command): Command {
  return command.addOption(
    new Option('--wait <seconds>', 'how long to wait for the daemon to register')
      .argParser(readCount)
      .default(60),
  );
}
