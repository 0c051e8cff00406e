import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, onTestFinished } from 'vitest';

const MEGABYTES = 24;

/** A real file system of 24 MB, mounted for one test. Where this user may not mount, its tests skip and say so. */
function mountSmallDisk(): string | undefined {
  const disk = mkdtempSync(join(tmpdir(), 'runmesh-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', disk], { stdio: 'pipe' });
    return disk;
  } catch {
    rmSync(disk, { recursive: true });
    return undefined;
  }
}

function unmount(disk: string): void {
  // Lazily: a database of the test may still be open.
  execFileSync('umount', ['-l', disk], { stdio: 'pipe' });
  rmSync(disk, { recursive: true, force: true });
}

const mountable = (() => {
  const disk = mountSmallDisk();
  if (disk !== undefined) unmount(disk);
  return disk !== undefined;
})();

/** Tests that need a disk of their own to fill. */
export const smallDisk = {
  it: (name: string, test: (world: { disk: string }) => void | Promise<void>, ms?: number) => {
    if (!mountable) return it.skip(`${name} (skipped: this user may not mount a file system)`, () => {});
    return it(
      name,
      () => {
        const disk = mountSmallDisk();
        if (disk === undefined) throw new Error('the disk could be mounted before and cannot be now');
        onTestFinished(() => unmount(disk));
        return test({ disk });
      },
      ms,
    );
  },
};

/** Writes until nothing more fits. */
export function fillDisk(disk: string): { free(): void } {
  const files: string[] = [];
  for (let size = 1_048_576; size >= 4_096; ) {
    const file = join(disk, `filler-${files.length}`);
    files.push(file);
    try {
      writeFileSync(file, Buffer.alloc(size, 1));
    } catch {
      size /= 2;
    }
  }
  return {
    free: () => {
      for (const file of files) rmSync(file, { force: true });
    },
  };
}
