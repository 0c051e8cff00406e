import type { IncomingMessage } from 'node:http';

/**
 * Why a request is not from the page itself, in a sentence; `undefined` where it is. A page of another site can have its own name
 * resolve to this machine (DNS rebinding), but its browser then says that name in `Host`; and what it sends here it sends with
 * its own `Origin`, and with `Sec-Fetch-Site` as no page of ours would. Another port of this machine is another site as
 * well: what a run serves there is not us.
 */
export function whyNotOurs(
  { method, url, headers, headersDistinct }: GuardedRequest,
  authority: string,
): string | undefined {
  const hosts = headersDistinct.host ?? [];
  if (hosts.length !== 1 || hosts[0] !== authority || !url?.startsWith('/')) {
    return `This page is at http://${authority} and answers for no other name.`;
  }
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${authority}`) {
    return 'This page answers no other page.';
  }
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin') return undefined;
  // Somebody follows an address to the page. That shows it to them alone: it is empty without a session.
  const arrives = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (arrives && method === 'GET' && url === '/') return undefined;
  return 'This page is not loaded from within another.';
}

type GuardedRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'headersDistinct'>;
