import { readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DevicePaths } from '../../device/paths.ts';
import { STAGING } from './install-version.ts';
import { versionPaths } from './versions.ts';

type Home = Pick<DevicePaths, 'home'>;

/** Has `current` lead to a version, in one step; to none where `version` is undefined. */
export function switchTo(paths: Home, version: string | undefined, { pinned }: { pinned: boolean }): void {
  const { current, pin } = versionPaths(paths);
  if (pinned) writeFileSync(pin, '', { mode: 0o600 });
  else rmSync(pin, { force: true });
  if (version === undefined) {
    rmSync(current, { force: true });
    return;
  }
  const next = `${current}.${process.pid}.new`;
  rmSync(next, { force: true });
  // Relative, so that a home that is moved takes its versions along.
  symlinkSync(join('versions', version), next);
  renameSync(next, current);
}

/** Removes all versions but those that are named, and what installations left that never ended. */
export function pruneVersions(paths: Home, kept: readonly (string | undefined)[]): void {
  const { folder, pin } = versionPaths(paths);
  for (const name of readdirSync(folder)) {
    if (kept.includes(name) || name === basename(pin)) continue;
    if (name.startsWith(STAGING) || /^\d/.test(name))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}
