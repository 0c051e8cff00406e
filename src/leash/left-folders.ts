import { appendFileSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A helper that is killed cannot take away the empty folders that its sandboxes made over names that were free. It writes
 * down what it makes, in its own folder, before it makes it; whoever finds the helper dead takes them away.
 */
export function noteFolders(helperFolder: string, made: readonly string[]): void {
  if (made.length > 0) appendFileSync(join(helperFolder, NOTES), `${made.join('\n')}\n`, { mode: 0o600 });
}

/** Removes what a dead helper noted, as far as it is still empty. */
export function removeNotedFolders(helperFolder: string): void {
  let noted: string;
  try {
    noted = readFileSync(join(helperFolder, NOTES), 'utf8');
  } catch {
    return;
  }
  for (const path of new Set(noted.split('\n').filter((line) => line.startsWith('/')))) {
    try {
      rmdirSync(path);
    } catch {
      // Gone, or somebody's by now.
    }
  }
}

const NOTES = 'made-folders';
