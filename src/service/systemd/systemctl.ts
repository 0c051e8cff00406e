import { RunmeshError } from '../../kit/errors.ts';
import type { CommandResult, RunCommand } from '../run-command.ts';

export interface Systemctl {
  /** The unit's properties, by name. */
  show(): Promise<Record<string, string>>;
  /** Reads unit files anew. */
  reload(): Promise<void>;
  do(verb: 'enable' | 'disable' | 'start' | 'stop' | 'restart', ...options: string[]): Promise<void>;
}

/** `systemctl --user` for one unit. Throws `systemd_unavailable` where this user has no systemd to speak to. */
export function createSystemctl(run: RunCommand, unit: string): Systemctl {
  const call = async (args: readonly string[]): Promise<CommandResult> => {
    const result = await run('systemctl', ['--user', ...args], { timeoutMs: TIMEOUT_MS });
    if (result.exitCode === 0) return result;
    if ((await run('systemctl', ['--user', 'show-environment'])).exitCode !== 0) throw noUserManager(result);
    throw new RunmeshError(
      'systemctl_failed',
      `\`systemctl --user ${args.join(' ')}\` failed: ${firstLine(result)}. See \`systemctl --user status ${unit}\`.`,
    );
  };
  return {
    show: async () => {
      const { stdout } = await call(['show', unit, `--property=${PROPERTIES.join(',')}`]);
      return Object.fromEntries(stdout.split('\n').map(splitProperty));
    },
    reload: async () => {
      await call(['daemon-reload']);
    },
    do: async (verb, ...options) => {
      await call([verb, ...options, unit]);
    },
  };
}

function splitProperty(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

function noUserManager(result: CommandResult): RunmeshError {
  return new RunmeshError(
    'systemd_unavailable',
    `Your user has no systemd of its own to speak to (${firstLine(result)}). In a shell that came by su or sudo, log in properly (ssh, or machinectl shell); in a container, run \`runmesh daemon\` instead.`,
  );
}

function firstLine({ stderr, stdout }: CommandResult): string {
  return ((stderr || stdout).trim().split('\n')[0] || 'it gives no reason').replace(/\.$/, '');
}

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'MainPID',
  'ExecMainCode',
  'ExecMainStatus',
  'ExecMainExitTimestampMonotonic',
];
/** `stop` returns when the daemon is gone, which a long drain makes late. */
const TIMEOUT_MS = 700_000;
