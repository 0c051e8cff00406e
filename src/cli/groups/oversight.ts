import { Option } from 'commander';
import { type GroupParts, readCount } from './group.ts';

/** What the daemon is doing, and the owner's hand on it. */
export function addOversight({ add, act, context }: GroupParts): void {
  add('status', 'Says what the daemon is doing.', 'runmesh status --watch')
    .option('-w, --watch', 'look again every second')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/status.ts')).statusCommand(context, output, options),
      ),
    );

  add(
    'dashboard',
    'Opens this device’s page in the browser: runs live, questions, history, usage, the log.',
    'runmesh dashboard',
  )
    .option('--no-open', 'only print its address')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/dashboard.ts')).dashboardCommand(context, output, options),
      ),
    );

  add('logs', 'Shows the daemon’s log.', 'runmesh logs -f --level warn')
    .option('-f, --follow', 'go on with what comes')
    .option('--run <id>', 'only what belongs to this run')
    .addOption(new Option('--level <level>', 'this level and worse').choices(LEVELS))
    .addOption(
      new Option('-n, --lines <number>', 'most lines to begin with').argParser(readCount).default(100),
    )
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/logs.ts')).logsCommand(context, output, options),
      ),
    );

  add(
    'pause',
    'Takes no runs and starts none until `runmesh resume`, also after a restart.',
    'runmesh pause --now',
  )
    .option('--finish', 'let runs under way go on to their end (as without it)')
    .option('--now', 'put runs under way down; they go on from their last step after `runmesh resume`')
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/pause.ts')).pauseCommand(context, output, options),
      ),
    );

  add('resume', 'Takes runs again, and goes on with those that were put down.', 'runmesh resume').action(
    (_options, command) =>
      act(command, async (output) => (await import('../commands/pause.ts')).resumeCommand(context, output)),
  );
}

/** pino's, the least first. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
