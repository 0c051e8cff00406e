import type { SandboxPolicy } from '../guard/sandbox-policy.ts';
import type { Leash, LeashSession, SessionRequest } from './leash.ts';
import type { ProxyProcess } from './proxy-client.ts';
import type { DeniedAddress } from './sandbox-proxies.ts';

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
  proxies(domains: readonly string[], onDenied: (denied: DeniedAddress) => void): Promise<ProxyProcess>;
  /** A name that nobody can guess. */
  newName(): string;
  /** A connection was refused; `owner` is `undefined` where the sandbox named none, or another than its own. */
  onDenied(denied: Denied): void;
}

export interface Denied extends Pick<DeniedAddress, 'host' | 'port' | 'why'> {
  owner: string | undefined;
}

export function createLeashPool(start: LeashStarts): LeashPool {
  const leash = restartable(start.leash);
  const names = new Names(start.newName);
  const onDenied = ({ host, port, why, commandId }: DeniedAddress) =>
    start.onDenied({ host, port, why, owner: names.ownerOf(commandId) });
  const proxies = new Map<string, Restartable<ProxyProcess>>();

  const proxiesFor = (domains: readonly string[]): Promise<ProxyProcess> => {
    const key = JSON.stringify([...domains].sort());
    const known = proxies.get(key) ?? restartable(() => start.proxies(domains, onDenied));
    proxies.set(key, known);
    return known.get();
  };

  /** Only a sandbox with a way out has a name to say there. */
  const wayOutOf = async ({ policy, owner }: Pick<SessionRequest, 'policy' | 'owner'>) => {
    const domains = domainsOf(policy);
    if (domains.length === 0) return {};
    const { proxies: way } = await proxiesFor(domains);
    return { proxies: { ...way, commandId: names.nameOf(owner) } };
  };

  return {
    open: async (request) => {
      const way = await wayOutOf(request);
      return (await leash.get()).open({ ...request, ...way });
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

/**
 * The proxies of a list of domains are shared, and a sandbox says itself which one it is: by a name that only it was given, so that
 * no run is held to account for another's.
 */
class Names {
  readonly #newName: () => string;
  readonly #byOwner = new Map<string, string>();
  readonly #owners = new Map<string, string>();

  constructor(newName: () => string) {
    this.#newName = newName;
  }

  nameOf(owner: string): string {
    const known = this.#byOwner.get(owner);
    if (known !== undefined) return known;
    const name = this.#newName();
    this.#byOwner.set(owner, name);
    this.#owners.set(name, owner);
    const [oldest] = this.#byOwner;
    if (this.#byOwner.size > MOST_NAMES && oldest !== undefined) {
      this.#byOwner.delete(oldest[0]);
      this.#owners.delete(oldest[1]);
    }
    return name;
  }

  ownerOf(name: string | undefined): string | undefined {
    return name === undefined ? undefined : this.#owners.get(name);
  }
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

/** Far more runs than are at work at once. */
const MOST_NAMES = 1_000;
