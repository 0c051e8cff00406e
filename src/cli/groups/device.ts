import { Option } from 'commander';
import { type GroupParts, readCount, readSince } from './group.ts';

/** This device: who it belongs to, and what it is set to. */
export function addDevice(parts: GroupParts): void {
  const { add, act, context } = parts;
  add('link', 'Links this device to an account.', 'runmesh link --mesh http://127.0.0.1:4780 --name "My Mac"')
    .option('--mesh <url>', 'the mesh; RUNTOOLS_API_URL or RunTools’ own where it is not given')
    .option('--name <label>', 'what the owner sees this device as')
    .option('--repair', 'make this device’s secrets readable again, after an update of Node took that away')
    .option('--no-browser', 'do not open the page in a browser')
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

  addAudit(parts);
  addKeys(parts);
  addConfig(parts);
}

function addAudit({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/audit.ts');
  const audit = add('audit', 'Shows what was done on this device.', 'runmesh audit --since 2h')
    .option('--run <id>', 'only what belongs to this run')
    .option('--since <when>', 'an instant (2026-11-24T10:00Z), or so long ago (30m, 12h, 7d)', (text) =>
      readSince(text, context.clock.now()),
    )
    .addOption(new Option('--limit <number>', 'most records to show').argParser(readCount).default(50))
    .action((options, command) =>
      act(command, async (output) => (await load()).auditCommand(context, output, options)),
    );
  add('verify', 'Checks that nothing was changed or taken out.', 'runmesh audit verify', audit).action(
    (_options, command) => act(command, async (output) => (await load()).verifyAuditCommand(context, output)),
  );
}

function addKeys({ add, act, context }: GroupParts): void {
  const load = () => import('../commands/keys.ts');
  const keys = add(
    'keys',
    'Keeps keys of model providers where a service finds them.',
    'runmesh keys set anthropic',
  );
  add(
    'set <provider>',
    'Stores a key, typed unseen or from standard input.',
    'runmesh keys set openai < key.txt',
    keys,
  ).action((provider, _options, command) =>
    act(command, async (output) => (await load()).setKeyCommand(context, output, provider)),
  );
  add('list', 'Lists whose keys are stored, masked.', 'runmesh keys list --json', keys).action(
    (_options, command) => act(command, async (output) => (await load()).listKeysCommand(context, output)),
  );
  add('remove <provider>', 'Erases a key.', 'runmesh keys remove openai', keys).action(
    (provider, _options, command) =>
      act(command, async (output) => (await load()).removeKeyCommand(context, output, provider)),
  );
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
