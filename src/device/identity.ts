import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { RunmeshError } from '../kit/errors.ts';
import { fingerprintOf } from '../kit/fingerprint.ts';

/** An Ed25519 key pair: what the mesh knows this machine by. */
export interface Identity {
  /** The raw 32 bytes, base64url. */
  publicKey: string;
  /** SHA-256 of the raw public key as pairs of hexadecimal digits joined by colons; the owner sees it on approval. */
  fingerprint: string;
  /** The private key as PKCS#8 DER, base64url: what the secret store holds. */
  privateKey: string;
  /** A signature over the text's UTF-8 bytes, base64url. */
  sign(text: string): string;
}

export function createIdentity(): Identity {
  return identityOf(generateKeyPairSync('ed25519').privateKey);
}

/** The identity of a stored private key. Throws `identity_broken` for anything that is not an Ed25519 key. */
export function readIdentity(privateKey: string): Identity {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(privateKey, 'base64url'), format: 'der', type: 'pkcs8' });
  } catch (error) {
    throw broken(error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw broken();
  return identityOf(key);
}

function identityOf(key: KeyObject): Identity {
  const publicKey = createPublicKey(key).export({ format: 'jwk' }).x ?? '';
  return {
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    privateKey: key.export({ format: 'der', type: 'pkcs8' }).toString('base64url'),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64url'),
  };
}

function broken(cause?: unknown): RunmeshError {
  return new RunmeshError(
    'identity_broken',
    'The stored private key of this device cannot be read. Run `runmesh unlink`, then `runmesh link` again.',
    { cause },
  );
}
