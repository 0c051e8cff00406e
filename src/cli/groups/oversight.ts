import type { GroupParts } from './group.ts';

/** What the daemon is doing, and the owner's hand on it. */
export function addOversight({ add, act, context }: GroupParts): void {
  add('status', 'Says what the daemon is doing.', 'runmesh status --json').action((_options, command) =>
    act(command, async (output) => (await import('../commands/status.ts')).statusCommand(context, output)),
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
