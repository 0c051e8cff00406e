import { dirname, join } from 'node:path';
import { realAsFarAsThere } from '../../src/guard/paths.ts';
import { type SandboxChoice, type SandboxPolicy, sandboxPolicy } from '../../src/guard/sandbox-policy.ts';
import { whyNoSandbox } from '../../src/leash/sandbox-probe.ts';

/** Why this machine cannot show what a sandbox does, for the names of skipped tests; `undefined` where it can. */
export const noSandbox = whyNoSandbox(process.platform);

/** The policy of a device whose owner chose this, for a run in `root` of an owner whose home is `home`. */
export function policyFor(
  root: string,
  choice: Partial<SandboxChoice> = {},
  place: { home?: string; own?: string[]; temporary?: string } = {},
): SandboxPolicy {
  return sandboxPolicy({
    choice: { mode: 'workspace-write', network: 'off', readable: [], writable: [], ...choice },
    asked: undefined,
    workspace: realAsFarAsThere(root),
    temporary: place.temporary ?? join(dirname(realAsFarAsThere(root)), 'temporary'),
    places: {
      home: place.home ?? '/home/nobody',
      platform: process.platform,
      own: place.own ?? [],
      program: [],
    },
    sandboxed: noSandbox === undefined,
    real: realAsFarAsThere,
  });
}

/** Commands run as the owner does: for tests that need commands and are not about what they may. */
export function openPolicy(root: string): SandboxPolicy {
  return policyFor(root, { mode: 'danger-full-access' });
}
