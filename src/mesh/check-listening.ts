import { RunmeshError } from '../kit/errors.ts';
import { isLoopback, isWildcard, type MeshAddress } from './origins.ts';

/**
 * Keys and everything a run says travel on these connections: off this machine they are encrypted, or the host says in
 * so many words that they need not be. Throws `listen_insecure`, and `public_url_missing` where devices could not know
 * which name to sign for.
 */
export function checkListening(address: MeshAddress, insecure: boolean): void {
  const { host, publicUrl, secure } = address;
  if (isWildcard(host) && publicUrl === undefined) {
    throw new RunmeshError(
      'public_url_missing',
      `A mesh that listens on ${host} cannot know by which name devices reach it. Give it with --public-url.`,
    );
  }
  if (insecure) return;
  if (!secure && !isLoopback(host)) {
    throw new RunmeshError(
      'listen_insecure',
      `On ${host} anybody on the way could read keys and change what runs do. Give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy that has a certificate, or give --insecure if you mean it.`,
    );
  }
  const url = publicUrl === undefined ? undefined : new URL(publicUrl);
  if (url?.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))) {
    throw new RunmeshError(
      'listen_insecure',
      `${publicUrl} is not encrypted, and devices would refuse it. Give an https address, or --insecure if you mean it.`,
    );
  }
}
