import { existsSync, renameSync } from 'node:fs';
import { isoTime } from './clock.ts';

/**
 * Moves a damaged database out of the way, with what SQLite keeps beside it, so that another can be begun and nothing is
 * thrown away. `now` is epoch milliseconds. Answers where it lies.
 */
export function setAsideDatabase(path: string, now: number): string {
  const target = `${path}.damaged-${isoTime(now).replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  return target;
}
