import type { GroupParts } from './group.ts';

/** The daemon as a program of this machine: run by hand, or by the system. */
export function addService({ add, act, context }: GroupParts): void {
  add(
    'daemon',
    'Runs the daemon in the foreground: takes this device’s runs and executes them.',
    'runmesh daemon',
  ).action((_options, command) =>
    act(command, async (output) => (await import('../commands/daemon.ts')).daemonCommand(context, output)),
  );
}
