import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import type { Leash, LeashSession, SessionRequest } from './leash.ts';
import type { ProxyProcess } from './proxy-client.ts';

/**
 * The helper that holds every command, and the proxies of every list of domains that a command's sandbox has. The proxies
 * are global to a process of the sandbox library's; the sandboxes are made in one process, since they share folders.
 */
export interface LeashPool {
  open(request: Omit<SessionRequest, 'proxies'>): Promise<LeashSession>;
  /** Starts the helper before the first command needs it. */
  warm(): Promise<void>;
  close(): Promise<void>;
}

export interface LeashStarts {
  leash(): Promise<Leash>;
  proxies(domains: readonly string[]): Promise<ProxyProcess>;
}

export function createLeashPool(start: LeashStarts): LeashPool {
  const leash = restartable(start.leash);
  const proxies = new Map<string, Restartable<ProxyProcess>>();

  const proxiesFor = (domains: readonly string[]): Promise<ProxyProcess> => {
    const key = JSON.stringify([...domains].sort());
    const known = proxies.get(key) ?? restartable(() => start.proxies(domains));
    proxies.set(key, known);
    return known.get();
  };

  return {
    open: async (request) => {
      const domains = domainsOf(request.policy);
      const way = domains.length === 0 ? undefined : (await proxiesFor(domains)).proxies;
      return (await leash.get()).open({ ...request, ...(way && { proxies: way }) });
    },
    warm: async () => {
      await leash.get();
    },
    close: async () => {
      await leash.close();
      await Promise.all([...proxies.values()].map((one) => one.close()));
    },
  };
}

interface Restartable<T> {
  /** The process, started anew when it has ended. */
  get(): Promise<T>;
  close(): Promise<void>;
}

function restartable<T extends { readonly alive: boolean; close(): Promise<void> }>(
  start: () => Promise<T>,
): Restartable<T> {
  let latest: Promise<T> | undefined;
  return {
    get: async () => {
      const known = latest;
      const current = await known?.catch(() => undefined);
      if (current?.alive) return current;
      // Somebody else who waited may have started the next one.
      if (latest === known) latest = start();
      return latest as Promise<T>;
    },
    close: async () => {
      const current = await latest?.catch(() => undefined);
      await current?.close();
    },
  };
}

function domainsOf({ sandboxed, network }: SandboxPolicy): readonly string[] {
  return sandboxed && typeof network !== 'string' ? network : [];
}
