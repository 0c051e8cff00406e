import { execFileSync } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A small disk of its own under `dir`, which can be filled: a tmpfs, where this user may mount one. Elsewhere a plain
 * folder, and `fill` is `undefined`.
 */
export function makeDisk(dir, megabytes) {
  mkdirSync(dir, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'runmesh-lab', dir], {
      stdio: 'ignore',
    });
  } catch {
    return { dir, fill: undefined, fullSince: () => false, empty: () => {}, close: () => {} };
  }
  const ballast = join(dir, 'ballast');
  let lastFullAt = 0;
  const full = () => existsSync(ballast);
  const empty = () => {
    if (full()) lastFullAt = performance.now();
    rmSync(ballast, { force: true });
  };
  return {
    dir,
    /** Leaves nothing free. */
    fill: () => {
      const { bavail, bsize } = statfsSync(dir);
      const file = openSync(ballast, 'w');
      try {
        for (let left = bavail * bsize; left > 0; left -= CHUNK.length) writeSync(file, CHUNK);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    /** Whether it was full at any time since then. */
    fullSince: (at) => full() || lastFullAt >= at,
    empty,
    /** `keep`: what was on it stays in the folder. */
    close: ({ keep }) => {
      empty();
      if (keep) cpSync(dir, `${dir}.kept`, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      execFileSync('umount', ['-l', dir], { stdio: 'ignore' });
      if (keep) cpSync(`${dir}.kept`, dir, { recursive: true });
      rmSync(`${dir}.kept`, { recursive: true, force: true });
    },
  };
}

const CHUNK = Buffer.alloc(65_536);
