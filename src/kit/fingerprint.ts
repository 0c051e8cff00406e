import { createHash } from 'node:crypto';

/**
 * What an owner compares by eye, on the device and on its mesh's page: SHA-256 of a raw public key (base64url) as pairs of
 * hexadecimal digits joined by colons.
 */
export function fingerprintOf(publicKey: string): string {
  const digest = createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex');
  return digest.match(/../g)?.join(':') ?? '';
}
