import type { IncomingMessage } from 'node:http';

/**
 * Why a request is not for this mesh, in a sentence; `undefined` when it is. A web page can have its own name resolve to
 * this machine (DNS rebinding), but its browser then says that name in `Host`; and a page of another site says so in
 * `Origin`, on everything that could change something.
 */
export function whyNotHere(
  { headers, headersDistinct }: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
  { hosts, origins }: { hosts: readonly string[]; origins: readonly string[] },
): string | undefined {
  const [host = '', ...others] = headersDistinct.host ?? [];
  const name = HOST.exec(host)?.[1]?.toLowerCase();
  if (others.length > 0 || name === undefined || !hosts.includes(name)) {
    return `This mesh does not answer for that host. It is ${hosts.join(' or ')}; another name is given with --public-url.`;
  }
  const { origin } = headers;
  if (origin === undefined || origins.includes(origin)) return undefined;
  // The mesh's own page, by whatever port it was forwarded to.
  const own = URL.parse(origin)?.host === host.toLowerCase();
  return own ? undefined : 'This mesh does not answer pages of other sites.';
}

/** A name or an address, and perhaps a port. */
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:@/[\]]+)(?::\d{1,5})?$/i;
