import type { GroupParts } from './group.ts';

/** This device: who it belongs to, what it is set to, what it is doing. */
export function addDevice(parts: GroupParts): void {
  const { add, act, context } = parts;
  add('link', 'Links this device to an account.', 'runmesh link --mesh http://127.0.0.1:4780 --name "My Mac"')
    .option('--mesh <url>', 'the mesh; RUNTOOLS_API_URL or RunTools’ own where it is not given')
    .option('--name <label>', 'what the owner sees this device as')
    .option(
      '--insecure',
      'allow a mesh without TLS on another machine: everything can then be read on the way',
    )
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/link.ts')).linkCommand(context, output, options),
      ),
    );

  add(
    'unlink',
    'Revokes this device on its mesh and erases its key here. History stays.',
    'runmesh unlink',
  ).action((_options, command) =>
    act(command, async (output) => (await import('../commands/unlink.ts')).unlinkCommand(context, output)),
  );

  add('status', 'Says what the daemon is doing.', 'runmesh status --json').action((_options, command) =>
    act(command, async (output) => (await import('../commands/status.ts')).statusCommand(context, output)),
  );

  addConfig(parts);
}

function addConfig({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/config.ts');
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
