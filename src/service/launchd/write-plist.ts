import { chmodSync, lstatSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RunmeshError } from '../../kit/errors.ts';

/** Writes a property list whole, with the mode launchd wants: it refuses one that others can write. */
export function writePlist(file: string, text: string): void {
  const sibling = `${file}.${process.pid}.new`;
  writeFileSync(sibling, text, { mode: 0o644 });
  // The mode above is cut by the umask, which may be 077.
  chmodSync(sibling, 0o644);
  renameSync(sibling, file);
}

/** `~/Library/LaunchAgents`, made where it is missing. Throws `service_folder_unsafe` where others could write into it. */
export function prepareAgentsFolder(file: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const fault = writableByOthers(folder);
  if (fault === undefined) return;
  throw new RunmeshError('service_folder_unsafe', `${fault}. Run: chmod go-w "${folder}"`);
}

/** What launchd would refuse about a property list's place, in words. */
export function faultOfPlist(file: string): string | undefined {
  return writableByOthers(dirname(file)) ?? writableByOthers(file);
}

function writableByOthers(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return `${path} is missing`;
  if (stats.isSymbolicLink()) return undefined;
  if ((stats.mode & 0o022) === 0) return undefined;
  return `${path} can be written by others, and launchd refuses it then`;
}
