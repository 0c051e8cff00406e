import { isRunmeshError } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import type { CommandResult, RunCommand } from '../service/run-command.ts';
import type { DoctorWorld } from './world.ts';

/** Runs a program that does nothing inside the system's sandbox. */
export async function lookAtSandbox({
  platform,
  run,
}: Pick<DoctorWorld, 'platform' | 'run'>): Promise<Finding[]> {
  const title = 'Sandbox';
  const isMac = platform === 'darwin';
  const [program, args] = isMac ? SEATBELT : BUBBLEWRAP;
  const result = await attempt(run, program, args);
  if (result === undefined) {
    return [missing(title, program, isMac ? 'It is part of macOS; restore the system.' : INSTALL)];
  }
  if (result.exitCode !== 0) {
    return [
      {
        code: 'sandbox_refused',
        title,
        severity: 'warning',
        says: `${program} does not work here: ${(result.stderr.trim() || `exit ${result.exitCode}`).split('\n')[0]}.`,
        todo: isMac
          ? 'This process is inside a sandbox itself; start the daemon outside of it.'
          : 'Allow user namespaces (on Ubuntu 24.04: an AppArmor profile for bwrap).',
      },
    ];
  }
  if (!isMac && (await attempt(run, 'socat', ['-V'])) === undefined)
    return [missing(title, 'socat', INSTALL)];
  return [{ code: 'sandbox', title, severity: 'ok', says: `${program} works.` }];
}

async function attempt(
  run: RunCommand,
  program: string,
  args: readonly string[],
): Promise<CommandResult | undefined> {
  try {
    return await run(program, args);
  } catch (error) {
    if (isRunmeshError(error, 'command_missing')) return undefined;
    throw error;
  }
}

function missing(title: string, program: string, todo: string): Finding {
  return { code: 'sandbox_missing', title, severity: 'warning', says: `${program} is not installed.`, todo };
}

const SEATBELT = ['/usr/bin/sandbox-exec', ['-p', '(version 1)(allow default)', '/usr/bin/true']] as const;
const BUBBLEWRAP = ['bwrap', ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', 'true']] as const;
const INSTALL = 'sudo apt-get install bubblewrap socat (or your system’s packages of that name)';
