import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/** '' for what is no file, or too large to be one of git's: a run may have put anything into a folder further in. */
export function smallText(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    return stats.isFile() && stats.size <= MOST_BYTES ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const MOST_BYTES = 1_048_576;
