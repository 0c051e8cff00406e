import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quoteWord } from './sandbox-words.ts';
import { systemProgram } from './system-program.ts';

/** Where the only way out is of a sandbox whose network is a list of domains: proxies that let through those. */
export interface Proxies {
  forLinux: {
    httpSocketPath: string;
    socksSocketPath: string;
    proxyAuthToken: string;
  };
  forMacos: { httpProxyPort: number; socksProxyPort: number; proxyAuthToken: string };
  /** By what a refusal is told to be this sandbox's. Nobody else may be able to guess it. */
  commandId?: string;
  /** What of the temporary folder, which is hidden, a sandbox must see. */
  readable: string[];
}

/** Where something in a sandbox wanted to go and may not. */
export interface DeniedAddress {
  host: string;
  port: number | null;
  why: string;
  /** The sandbox's `commandId`, as it says: anything, where it says another. */
  commandId: string | undefined;
}

/**
 * Starts the library's proxies. They belong to its manager, of which a process has one: a process serves one list of
 * domains. A name is let through by the list and then by the addresses it resolves to: not this machine's own, not its
 * link's, not the local network's. `folder` is the process's own.
 */
export async function startProxies(
  domains: readonly string[],
  platform: NodeJS.Platform,
  folder: string,
  onDenied: (denied: DeniedAddress) => void,
): Promise<{ proxies: Proxies; close(): Promise<void> }> {
  const { SandboxManager } = await import('@anthropic-ai/sandbox-runtime/dist/sandbox/sandbox-manager.js');
  await SandboxManager.initialize({
    network: {
      allowedDomains: [...domains],
      deniedDomains: [],
      deniedResolvedAddresses: PRIVATE_RANGES,
      strictAllowlist: true,
    },
    filesystem: { denyRead: [], allowWrite: [], denyWrite: [] },
    ripgrep: { command: '/bin/true' },
    ...(platform === 'linux' && linuxPrograms(folder)),
  });
  const violations = SandboxManager.getSandboxViolationStore();
  let told = 0;
  violations.subscribe((latest) => {
    const fresh = Math.min(latest.length, violations.getTotalCount() - told);
    told = violations.getTotalCount();
    if (fresh > 0)
      for (const { line, encodedCommand } of latest.slice(-fresh)) onDenied(readDenial(line, encodedCommand));
  });
  const [httpProxyPort, socksProxyPort] = [SandboxManager.getProxyPort(), SandboxManager.getSocksProxyPort()];
  const proxyAuthToken = SandboxManager.getProxyAuthToken();
  if (httpProxyPort === undefined || socksProxyPort === undefined || proxyAuthToken === undefined) {
    throw new Error('the proxies of the sandbox did not start');
  }
  const [http, socks] = [
    SandboxManager.getLinuxHttpSocketPath() ?? '',
    SandboxManager.getLinuxSocksSocketPath() ?? '',
  ];
  const proxies = {
    forLinux: { httpSocketPath: http, socksSocketPath: socks, proxyAuthToken },
    forMacos: { httpProxyPort, socksProxyPort, proxyAuthToken },
    readable: platform === 'linux' ? [http, socks] : [],
  };
  return { proxies, close: () => SandboxManager.reset() };
}

/** What the library's own record of a refusal says: of a name that is not on the list, or whose addresses may not be reached. */
function readDenial(line: string, encodedCommand: string | undefined): DeniedAddress {
  const [, host = line, port, why = ''] = /^deny network-outbound (.*):(\d+) \((.*)\)$/.exec(line) ?? [];
  const commandId =
    encodedCommand === undefined ? undefined : Buffer.from(encodedCommand, 'base64').toString();
  return { host, port: port === undefined ? null : Number(port), why, commandId };
}

/** socat goes between a sandbox and the proxies. Started so, it dies with the helper, however that dies. */
function linuxPrograms(folder: string): { bwrapPath: string; socatPath: string } {
  const [bwrap, socat] = [systemProgram('bwrap'), systemProgram('socat')];
  if (bwrap === undefined || socat === undefined) throw new Error('bubblewrap or socat is missing');
  const socatPath = join(folder, 'socat');
  const words = [bwrap, '--die-with-parent', '--dev-bind', '/', '/', '--', socat].map(quoteWord).join(' ');
  writeFileSync(socatPath, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(socatPath, 0o700);
  return { bwrapPath: bwrap, socatPath };
}

/** Addresses of networks around this machine. Loopback and link-local are denied by the library itself. */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];
