import { networkInterfaces } from 'node:os';

/** This machine's addresses as one text. Loopback and link-local ones come and go without anybody being further away. */
export function networkAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  return reachable
    .map(({ address }) => address)
    .sort()
    .join(' ');
}
