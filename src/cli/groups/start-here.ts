import { Argument } from 'commander';
import type { Shell } from '../commands/completion.ts';
import { type GroupParts, readCount, readFolder, readPort, readUrl } from './group.ts';

/** What a newcomer tries: everything on one computer. */
export function addStartHere({ add, act, context }: GroupParts): void {
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
      act(command, async (output) => (await import('../demo/demo.ts')).demoCommand(context, output, options)),
    );

  add(
    'mesh',
    'Runs the embedded mesh: the server side, for one machine or a team.',
    'runmesh mesh --port 4780 --data ~/runmesh-mesh',
  )
    .option('--port <number>', 'port to listen on, 0 for any', readPort, 4780)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'where its state is kept', readFolder)
    .option('--public-url <url>', 'the address devices and callers use, behind a proxy', readUrl)
    .option(
      '--tls-cert <file>',
      'PEM certificate, with what leads to its root: the mesh then speaks TLS itself',
    )
    .option('--tls-key <file>', 'its PEM key')
    .option(
      '--insecure',
      'listen without TLS off this machine: keys and all that runs say can be read and changed on the way',
    )
    .option('--trusted-proxy <address>', 'the proxy whose X-Forwarded-For says where a caller is')
    .option('--calls-per-minute <number>', 'most calls of an API key (default: 30000)', readCount)
    .action((options, command) =>
      act(command, async (output) =>
        (await import('../commands/mesh.ts')).meshCommand(context, output, options),
      ),
    );

  const completion = add(
    'completion',
    'Prints what completes commands in a shell.',
    'runmesh completion zsh > "${fpath[1]}/_runmesh"\n  eval "$(runmesh completion bash)"      in ~/.bashrc\n  runmesh completion fish > ~/.config/fish/completions/runmesh.fish',
  );
  completion
    .addArgument(new Argument('<shell>', 'whose').choices(['bash', 'zsh', 'fish']))
    .action((shell: Shell, _options, command) =>
      act(command, async (output) => {
        const { completionCommand } = await import('../commands/completion.ts');
        return completionCommand(output, completion.parent ?? completion, shell);
      }),
    );
}
