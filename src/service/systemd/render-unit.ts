import type { ServiceDefinition } from '../definition.ts';
import type { InstalledService } from '../ports.ts';

/** The user unit of a definition: the same promises as the property list, in systemd's words. */
export function renderUnit(definition: ServiceDefinition): string {
  const { command, environment, folder, outputFile, exitTimeOutSeconds } = definition;
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quote(`${name}=${value}`)}`,
  );
  return `# \`runmesh service install\` writes this file anew each time: change the config, not this.
[Unit]
Description=RunMesh device daemon
# Never give up on it: the mesh or the network may be away for days.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${command.map(quoteWord).join(' ')}
WorkingDirectory=${escapePercent(folder)}
${variables.join('\n')}
Restart=on-failure
RestartSec=10
TimeoutStopSec=${exitTimeOutSeconds}
# The daemon ends its own commands; what is left when its time is up is killed with it.
KillMode=mixed
# A command that eats all memory is killed alone.
OOMPolicy=continue
UMask=0077
StandardOutput=append:${escapePercent(outputFile)}
StandardError=append:${escapePercent(outputFile)}

[Install]
WantedBy=default.target
`;
}

/** What a unit of ours says. */
export function readUnit(text: string): InstalledService {
  const line = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const parts = [...line('ExecStart').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
  return {
    command: parts.map((part) => part.replace(/\\(.)/g, '$1').replaceAll('%%', '%').replaceAll('$$', '$')),
    folder: line('WorkingDirectory').replaceAll('%%', '%'),
    text,
  };
}

function quote(text: string): string {
  return `"${escapePercent(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** systemd expands `$` in every word of a command but the program itself. */
function quoteWord(word: string, index: number): string {
  return quote(index === 0 ? word : word.replaceAll('$', '$$$$'));
}

/** systemd expands `%h` and the like everywhere. */
function escapePercent(text: string): string {
  return text.replaceAll('%', '%%');
}
