/** Where a mesh listens, and what it is called elsewhere. */
export interface MeshAddress {
  /** The address it listens on. */
  host: string;
  port: number;
  secure: boolean;
  /** The URL by which others reach it, where that is another one. */
  publicUrl?: string | undefined;
}

/**
 * The origins a device may sign for, the mesh's own first. On loopback the same port has three names, and a person
 * may type any of them; a request's `Host` is never asked, since whoever relays a signature chooses it.
 */
export function originsOf(address: MeshAddress): readonly [string, ...string[]] {
  const origin = (host: string) =>
    new URL(`${address.secure ? 'https' : 'http'}://${bracketed(host)}:${address.port}`).origin;
  const bound = origin(address.host);
  const own = address.publicUrl === undefined ? bound : new URL(address.publicUrl).origin;
  const loopback = LOOPBACK.map(origin);
  return loopback.includes(own) ? [own, ...loopback.filter((other) => other !== own)] : [own];
}

/** The names by which a request may call the mesh: where it listens, and its public one. */
export function hostsOf({ host, publicUrl }: Pick<MeshAddress, 'host' | 'publicUrl'>): readonly string[] {
  const names = [
    ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname]),
    ...(isLoopback(host) || isWildcard(host) ? LOOPBACK : []),
    ...(isWildcard(host) ? [] : [host]),
  ];
  return [...new Set(names.map((name) => bracketed(name).toLowerCase()))];
}

export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host) || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];
