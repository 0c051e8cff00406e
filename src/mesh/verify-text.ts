import { createPublicKey, verify } from 'node:crypto';

/** Whether `signature` (base64url) is the Ed25519 signature of `text` by the raw `publicKey` (base64url). */
export function verifyText(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));
  } catch {
    // A key that is not a point of the curve verifies nothing.
    return false;
  }
}
