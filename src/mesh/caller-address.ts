import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

/**
 * The network address a request came from. What a header claims is believed of one peer alone, the proxy the host of the
 * mesh named, and then the last entry: the one that proxy wrote itself.
 */
export function addressOf(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  trustedProxy: string | undefined,
): string {
  const peer = withoutMapping(socket.remoteAddress ?? '');
  if (trustedProxy === undefined || peer !== trustedProxy) return peer;
  const forwarded = [headers['x-forwarded-for'] ?? ''].flat().join(',').split(',').at(-1)?.trim();
  return forwarded || peer;
}

/** What is counted as one caller: an IPv4 address, and of an IPv6 address the /64, which is what one subscriber has. */
export function networkOf(address: string): string {
  const plain = withoutMapping(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? [];
  const [first, last] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - (first?.length ?? 0) - (last?.length ?? 0) }, () => '0');
  return [...(first ?? []), ...(tail === undefined ? [] : zeros), ...(last ?? [])].slice(0, 4).join(':');
}

/** An IPv4 address as a socket that listens on IPv6 shows it. */
function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
