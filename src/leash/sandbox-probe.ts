import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { systemProgram } from './system-program.ts';

/** Why this machine has no sandbox, and what to do about it; `undefined` where it has one. Takes about 10 ms. */
export function whyNoSandbox(platform: NodeJS.Platform): string | undefined {
  if (platform === 'darwin') {
    return existsSync(SEATBELT) ? undefined : `${SEATBELT} is missing, which comes with macOS.`;
  }
  if (platform !== 'linux') return `There is none for ${platform}.`;
  const bwrap = systemProgram('bwrap');
  if (bwrap === undefined) return 'bubblewrap is not installed. Install it (`apt install bubblewrap socat`).';
  const seccomp = seccompHelper();
  if (seccomp === undefined)
    return `The sandbox has no seccomp filter for ${process.arch} (only for x64 and arm64).`;
  try {
    execFileSync(bwrap, [...LIKE_A_COMMAND, '--', seccomp, '/bin/true'], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: PROBE_MS,
      encoding: 'utf8',
    });
    return undefined;
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : '';
    return `bubblewrap does not work here${said ? ` (${said})` : ''}. The system must let users make namespaces: on Ubuntu \`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0\`, elsewhere \`kernel.unprivileged_userns_clone=1\`.`;
  }
}

function seccompHelper(): string | undefined {
  const arch = ['x64', 'arm64'].includes(process.arch) ? process.arch : undefined;
  if (arch === undefined) return undefined;
  const library = createRequire(import.meta.url).resolve('@anthropic-ai/sandbox-runtime');
  const path = join(dirname(library), '..', 'vendor', 'seccomp', arch, 'apply-seccomp');
  return existsSync(path) ? path : undefined;
}

const SEATBELT = '/usr/bin/sandbox-exec';
const PROBE_MS = 10_000;
/** What the library's own lines begin with. */
const LIKE_A_COMMAND = [
  '--die-with-parent',
  '--unshare-net',
  '--ro-bind',
  '/',
  '/',
  '--dev',
  '/dev',
  '--unshare-pid',
  '--unshare-user',
  '--cap-drop',
  'ALL',
  ...(process.getuid?.() === 0 ? ['--cap-add', 'CAP_SETFCAP'] : []),
  '--proc',
  '/proc',
];
