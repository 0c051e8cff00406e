import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp.ts';

export const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

/** For names of tests that need certificates. */
export const WITHOUT_OPENSSL = hasOpenssl ? '' : ' (skipped: openssl is missing)';

export interface TestCertificate {
  caFile: string;
  certFile: string;
  keyFile: string;
  cert: Buffer;
  key: Buffer;
}

/** A certificate for a name or an address, by a CA of its own. */
export function makeCertificate(host: string): TestCertificate {
  const dir = tempDir();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const subject = ['-nodes', '-days', '2', '-newkey', 'rsa:2048'];
  const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
  openssl('req', '-x509', ...subject, '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl(
    ...['req', '-x509', ...subject, '-subj', `/CN=${host}`, '-addext', `subjectAltName=${name}`],
    ...['-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 'host.key', '-out', 'host.pem'],
  );
  const [certFile, keyFile] = [join(dir, 'host.pem'), join(dir, 'host.key')];
  return {
    caFile: join(dir, 'ca.pem'),
    certFile,
    keyFile,
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
  };
}
