import { protectedPatterns } from '../guard/protected-names.ts';
import { protectedName } from '../guard/protected-places.ts';
import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import type { Proxies } from './sandbox-proxies.ts';
import { quoteWord } from './sandbox-words.ts';
import { systemProgram } from './system-program.ts';

export interface SandboxLine {
  line: string;
  /** Called once, when no command runs by the line any more: takes away what the sandbox left in the owner's folders. */
  undo(): void;
}

/**
 * A policy as a line for `/bin/sh`, by `@anthropic-ai/sandbox-runtime`: bubblewrap on Linux, Seatbelt on macOS. Its
 * functions for each system are used and not its manager, which keeps one policy for a whole process and puts two proxies
 * beside every command, network or not. `neverWritten` are the protected places as they are on disk now.
 */
export function makeSandboxLine(
  policy: SandboxPolicy,
  neverWritten: readonly string[],
  proxies: Proxies | undefined,
  platform: NodeJS.Platform,
): Promise<SandboxLine> {
  return platform === 'darwin'
    ? seatbeltLine(policy, neverWritten, proxies)
    : bubblewrapLine(policy, neverWritten, proxies);
}

async function bubblewrapLine(
  policy: SandboxPolicy,
  neverWritten: readonly string[],
  proxies: Proxies | undefined,
): Promise<SandboxLine> {
  const { wrapCommandWithSandboxLinux, cleanupBwrapMountPoints } = await import(
    '@anthropic-ai/sandbox-runtime/dist/sandbox/linux-sandbox-utils.js'
  );
  const [bwrapPath = 'bwrap', perl] = [systemProgram('bwrap'), systemProgram('perl')];
  const wrapped = await wrapCommandWithSandboxLinux({
    command: `${proxies === undefined ? '' : ONCE_RELAYS_LISTEN}${insideLine(policy, perl)}`,
    needsNetworkRestriction: policy.network !== 'on',
    ...proxies?.forLinux,
    ...(proxies?.commandId !== undefined && { commandId: proxies.commandId }),
    ...rulesOf(policy, neverWritten, proxies),
    bwrapPath,
    binShell: '/bin/sh',
    // Its own search for names to protect looks through the current folder, which is an empty one: ours are given.
    ripgrepConfig: { command: '/bin/true' },
  });
  // A new session would take the terminal away from the command. It guards the terminal of whoever started bubblewrap
  // against characters typed back into it; this terminal is the command's own and has no other reader.
  const begins = `${bwrapPath} --new-session --die-with-parent `;
  if (!wrapped.includes(begins) || !wrapped.includes('apply-seccomp ')) throw unknownForm();
  const kept = wrapped.replace(begins, () => `${bwrapPath} --die-with-parent `);
  // Where nothing runs beside the command, the shell between bubblewrap and the filter is one process too many.
  const line = `exec ${kept.replace(ALONE, (_, begin: string, filter: string) => `${begin}exec ${filter}`)}`;
  return {
    // A request to end passes by bubblewrap, so that the command, which gets its signals back, has time to end well.
    line: perl === undefined ? line : `trap '' TERM HUP; ${line}`,
    undo: () => cleanupBwrapMountPoints(),
  };
}

async function seatbeltLine(
  policy: SandboxPolicy,
  neverWritten: readonly string[],
  proxies: Proxies | undefined,
): Promise<SandboxLine> {
  const { wrapCommandWithSandboxMacOS } = await import(
    '@anthropic-ai/sandbox-runtime/dist/sandbox/macos-sandbox-utils.js'
  );
  const patterns = policy.writable.flatMap(protectedPatterns);
  const wrapped = wrapCommandWithSandboxMacOS({
    command: insideLine(policy, undefined),
    needsNetworkRestriction: policy.network !== 'on',
    ...proxies?.forMacos,
    ...(proxies?.commandId !== undefined && { commandId: proxies.commandId }),
    ...rulesOf(policy, [...neverWritten.map(protectedName), ...patterns], proxies),
    allowPty: true,
    binShell: '/bin/sh',
  });
  if (!wrapped.startsWith('env ')) throw unknownForm();
  return { line: `exec ${closeSockets(`/usr/bin/${wrapped}`, policy)}`, undo: () => {} };
}

function rulesOf(policy: SandboxPolicy, neverWritten: readonly string[], proxies: Proxies | undefined) {
  return {
    readConfig: {
      denyOnly: [...policy.hidden],
      allowWithinDeny: [...policy.readable, ...(proxies?.readable ?? [])],
    },
    writeConfig: {
      allowOnly: [...policy.writable, policy.temporary],
      denyWithinAllow: [...neverWritten],
    },
  };
}

/**
 * The first thing that runs in the sandbox: it takes the command out of `COMMAND_VARIABLE`, so that the line is the same
 * for every command of a policy. Perl, where the system has it, makes the command the terminal's foreground, alone: Ctrl-C
 * then reaches the command and not bubblewrap, which would take everything down with it.
 */
function insideLine(policy: SandboxPolicy, perl: string | undefined): string {
  const begin = `eval "$${COMMAND_VARIABLE}"; unset ${COMMAND_VARIABLE}; export TMPDIR=${quoteWord(policy.temporary)}`;
  return perl === undefined
    ? `${begin}; exec "$@"`
    : `${begin}; exec ${quoteWord(perl)} -e ${quoteWord(IN_FOREGROUND)} -- "$@"`;
}

/**
 * With the whole network Seatbelt also opens every Unix socket. Ours, and those of the agents that sign and decrypt for
 * the owner, stay closed. The profile is one quoted word of the line.
 */
function closeSockets(line: string, policy: SandboxPolicy): string {
  if (policy.network !== 'on') return line;
  const closed = [...policy.hidden, ...AGENT_SOCKETS].map((path) => `(subpath ${JSON.stringify(path)})`);
  const rules = closed.map((path) => `(deny network-outbound (remote unix-socket ${path}))`).join(' ');
  const quoted = quoteWord(`x${rules} `).slice(2, -1);
  if (!line.includes(WHOLE_NETWORK)) throw unknownForm();
  return line.replace(WHOLE_NETWORK, () => `${WHOLE_NETWORK} ${quoted}`);
}

function unknownForm(): Error {
  return new Error('the sandbox library made a line of an unknown form, so nothing was run');
}

/** What the line evaluates inside the sandbox: the command's variables, then `set --` with its words. */
export const COMMAND_VARIABLE = 'RUNMESH_COMMAND';

/** keyctl(2) in the tables of the systems' calls, x86-64's and arm64's. */
const KEYCTL = process.arch === 'arm64' ? 219 : 250;
/**
 * 0x5410 is TIOCSPGRP (asm-generic/ioctls.h). What the sandbox ignores outside, the command gets as it usually is. The keyring of
 * the session that the daemon was started in is left behind (KEYCTL_JOIN_SESSION_KEYRING): no namespace parts it from a command.
 */
const IN_FOREGROUND =
  `syscall(${KEYCTL},1,0); ` +
  'setpgrp 0,0; $SIG{TTOU}="IGNORE"; ioctl STDIN,0x5410,pack("i",$$); ' +
  '$SIG{$_}="DEFAULT" for qw(TTOU INT QUIT TERM HUP TSTP); ' +
  'exec {$ARGV[0]} @ARGV; print STDERR "$ARGV[0]: $!\\n"; exit 127';

/**
 * The library starts its relays to the proxies, on the ports 3128 and 1080, and the command at once, whose first connection is
 * then refused on a busy machine. The kernel's table is read (state 0A listens): a connection to see would be one to a proxy.
 * After some five seconds the command goes on without.
 */
const ONCE_RELAYS_LISTEN = `n=0; for port in 0C38 0438; do until
grep -qs ":$port [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6 || [ $n -eq 500 ]; do n=$((n+1)); sleep 0.01; done; done; unset port n; `;

const ALONE = /( -- \/bin\/sh -c ')(\/[^' ]*apply-seccomp )/;
const WHOLE_NETWORK = '(allow network*)';
/** launchd's (ssh-agent), gpg-agent's and Docker's. */
const AGENT_SOCKETS = [
  '/private/tmp/com.apple.launchd',
  '/var/run/docker.sock',
  '/private/var/run/docker.sock',
];
