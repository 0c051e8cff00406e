import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../support/temp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function checkLock(change: (lock: { packages: Record<string, Record<string, unknown>> }) => void) {
  const dir = tempDir();
  copyFileSync(join(ROOT, 'package.json'), join(dir, 'package.json'));
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  change(lock);
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
  return execaSync(process.execPath, [join(ROOT, 'scripts/check-lock.mjs'), dir], { reject: false });
}

describe('scripts/check-lock', () => {
  it('accepts the lockfile as it is committed', () => {
    expect(checkLock(() => {})).toMatchObject({ exitCode: 0 });
  });

  it('refuses a lockfile that lost a Mac’s package, and names it', () => {
    const result = checkLock((lock) => {
      delete lock.packages['node_modules/@lydell/node-pty-darwin-arm64'];
    });
    expect(result).toMatchObject({ exitCode: 1 });
    expect(result.stderr).toContain('@lydell/node-pty-darwin-arm64');
  });

  it('refuses a package whose install script nobody denied', () => {
    const result = checkLock((lock) => {
      lock.packages['node_modules/evil'] = {
        version: '1.0.0',
        integrity: 'sha512-x',
        hasInstallScript: true,
      };
    });
    expect(result.stderr).toContain('evil has an install script');
  });

  it('100 refuses a package without a hash of its bytes, with a weak one, or from a folder or an address', () => {
    const tampered: [Record<string, unknown>, string][] = [
      [{ version: '1.0.0' }, 'no SHA-512 integrity'],
      [{ version: '1.0.0', integrity: 'sha1-x' }, 'no SHA-512 integrity'],
      [{ resolved: '../evil', link: true }, 'is a link to a folder'],
      [
        { version: '1.0.0', integrity: 'sha512-x', resolved: 'https://evil.example/x.tgz' },
        'names where it was downloaded',
      ],
    ];
    for (const [entry, says] of tampered) {
      const result = checkLock((lock) => {
        lock.packages['node_modules/evil'] = entry;
      });
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain(says);
    }
  });
});
