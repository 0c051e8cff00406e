import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

/**
 * Writes a file whole or not at all, readable by its owner alone: a sibling is written and synced first, and takes
 * the name in one step.
 */
export function replaceFile(path: string, text: string): void {
  const sibling = `${path}.${process.pid}.new`;
  const fd = openSync(sibling, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(sibling, path);
}
