import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
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
    return { dir, fill: undefined, full: () => false, empty: () => {}, close: () => {} };
  }
  const ballast = join(dir, 'ballast');
  const empty = () => rmSync(ballast, { force: true });
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
    full: () => existsSync(ballast),
    empty,
    close: () => {
      empty();
      execFileSync('umount', ['-l', dir], { stdio: 'ignore' });
    },
  };
}

const CHUNK = Buffer.alloc(65_536);
