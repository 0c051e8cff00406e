import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import semverGte from 'semver/functions/gte.js';
import type { DevicePaths } from '../../device/paths.ts';
import { RunmeshError } from '../../kit/errors.ts';

type Home = Pick<DevicePaths, 'home'>;

/** A version that `runmesh update` installed. */
export interface InstalledVersion {
  version: string;
  /** `cli/main.js`, by the link that outlives the next update. */
  program: string;
  /** Somebody asked for this one although it is older: nothing newer on this machine takes its place. */
  pinned: boolean;
}

/**
 * Versions lie side by side in `versions/`, each an npm installation of its own; `current` is a link to one of them. The
 * service runs what the link leads to, so that switching is one rename, and a daemon that runs keeps its files.
 */
export function versionPaths({ home }: Home) {
  const current = join(home, 'current');
  return { folder: join(home, 'versions'), current, pin: join(home, 'versions', 'pinned') };
}

export function programIn(folder: string): string {
  return join(folder, 'node_modules', PACKAGE, 'dist', 'cli', 'main.js');
}

/** What `current` leads to; undefined where there is none. Throws `update_path_unsafe` for what we did not make. */
export function readCurrent(paths: Home): InstalledVersion | undefined {
  const { folder, current, pin } = versionPaths(paths);
  const link = lstatSync(current, { throwIfNoEntry: false });
  if (link === undefined) return undefined;
  if (!link.isSymbolicLink()) throw unsafe(current, 'is not a link');
  const name = /^versions\/([^/]+)$/.exec(readlinkSync(current))?.[1];
  if (name === undefined) throw unsafe(current, 'does not lead to a version of ours');
  for (const path of [folder, join(folder, name)]) assertOwnFolder(path);
  const version = versionOf(join(folder, name));
  if (version === undefined) throw unsafe(join(folder, name), `holds no ${PACKAGE}`);
  return { version, program: programIn(current), pinned: existsSync(pin) };
}

/** What the service should run: the version behind `current`, unless the program at hand is newer. */
export function serviceProgram(paths: Home, own: { program: string; version: string }): string {
  const current = readCurrent(paths);
  return current !== undefined && isPreferred(current, own.version) ? current.program : own.program;
}

/** Whether the version behind `current` goes before a program of this version. */
export function isPreferred({ version, pinned }: InstalledVersion, own: string): boolean {
  return pinned || semverGte(version, own);
}

/** A folder, no link to one, of this user, that nobody else can write: what is run from it is run as this user. */
export function assertOwnFolder(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) throw unsafe(path, 'is not a folder');
  if (process.getuid !== undefined && stats.uid !== process.getuid())
    throw unsafe(path, 'is not this user’s');
  if ((stats.mode & 0o022) !== 0) throw unsafe(path, 'can be written by others');
}

/** The version that lies in a folder; undefined where none does. */
export function versionOf(folder: string): string | undefined {
  try {
    const manifest = join(folder, 'node_modules', PACKAGE, 'package.json');
    const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, unknown>;
    // npm links a folder that it is told to install, and then an "installed version" changes under our feet.
    const inside = realpathSync(manifest).startsWith(realpathSync(folder));
    return name === PACKAGE && typeof version === 'string' && inside ? version : undefined;
  } catch {
    return undefined;
  }
}

function unsafe(path: string, how: string): RunmeshError {
  return new RunmeshError(
    'update_path_unsafe',
    `${path} ${how}, and nothing is run from there. Move it away, then run \`runmesh update\` and \`runmesh service install\` again.`,
  );
}

export const PACKAGE = 'runmesh-agent';
