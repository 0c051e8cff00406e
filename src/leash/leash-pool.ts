import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import type { Leash, LeashSession, SessionRequest } from './leash.ts';

/** Helpers by what they must be started with. The sandbox's proxies are one to a process, so a list of domains has its own. */
export interface LeashPool {
  open(request: SessionRequest): Promise<LeashSession>;
  /** Starts the helper of most commands before the first one needs it. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

/** `start` starts a helper for a list of domains. One that ended is replaced when the next command asks for it. */
export function createLeashPool(start: (domains: readonly string[]) => Promise<Leash>): LeashPool {
  const helpers = new Map<string, Promise<Leash>>();

  const helperFor = async (domains: readonly string[]): Promise<Leash> => {
    const key = JSON.stringify([...domains].sort());
    const known = helpers.get(key);
    const current = await known?.catch(() => undefined);
    if (current?.alive) return current;
    // Somebody else who waited may have started the next one.
    const next = helpers.get(key);
    if (next !== undefined && next !== known) return next;
    const started = start(domains);
    helpers.set(key, started);
    return started;
  };

  return {
    open: async (request) => (await helperFor(domainsOf(request.policy))).open(request),
    warm: async () => {
      await helperFor([]);
    },
    close: async () => {
      const started = await Promise.allSettled(helpers.values());
      await Promise.all(started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])));
    },
  };
}

function domainsOf({ sandboxed, network }: SandboxPolicy): readonly string[] {
  return sandboxed && typeof network !== 'string' ? network : [];
}
