import { appendFileSync, lstatSync, readFileSync, rmdirSync, type Stats, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A helper that is killed cannot take away the empty folders and files that its sandboxes made over names that were free.
 * It writes down what it makes, in its own folder, before it makes it; whoever finds the helper dead takes them away.
 */
export function noteMade(helperFolder: string, made: readonly string[]): void {
  if (made.length > 0) appendFileSync(join(helperFolder, NOTES), `${made.join('\n')}\n`, { mode: 0o600 });
}

/** Removes what a dead helper noted, as far as it is still empty. */
export function removeNoted(helperFolder: string): void {
  let noted: string;
  try {
    noted = readFileSync(join(helperFolder, NOTES), 'utf8');
  } catch {
    return;
  }
  for (const path of new Set(noted.split('\n').filter((line) => line.startsWith('/')))) {
    try {
      const stats = lstatSync(path);
      if (stats.isDirectory()) rmdirSync(path);
      else if (isEmptyStub(stats)) unlinkSync(path);
    } catch {
      // Gone, or somebody's by now.
    }
  }
}

/** bubblewrap makes them without any right to write; what a person makes has one, or something in it. */
function isEmptyStub(stats: Stats): boolean {
  return stats.isFile() && stats.size === 0 && stats.nlink === 1 && (stats.mode & 0o222) === 0;
}

const NOTES = 'made';
