/**
 * The origins a device may sign for, the mesh's own first. On loopback the same port has three names, and a person
 * may type any of them; a request's `Host` is never asked, since whoever relays a signature chooses it.
 */
export function originsOf(options: {
  host: string;
  port: number;
  publicUrl?: string;
}): readonly [string, ...string[]] {
  const origin = (host: string) =>
    new URL(`http://${host.includes(':') ? `[${host}]` : host}:${options.port}`).origin;
  const bound = origin(options.host);
  const own = options.publicUrl === undefined ? bound : new URL(options.publicUrl).origin;
  const loopback = LOOPBACK.map(origin);
  return loopback.includes(own) ? [own, ...loopback.filter((other) => other !== own)] : [own];
}

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];
