import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { RunmeshError } from '../kit/errors.ts';
import { makeFolder } from '../kit/make-folder.ts';

/** Where everything of one device lives. All paths are absolute. */
export interface DevicePaths {
  home: string;
  config: string;
  journal: string;
  /** What was done on this device; apart from the journal, which may be set aside. */
  audit: string;
  /** The daemon's local door. Outside `home` only where the path would be too long for a Unix socket. */
  socket: string;
  logs: string;
  /** Sends a browser to the local page, while its address is good. */
  opener: string;
  /** Held by the running daemon; `pid` beside it says who holds it. */
  lock: string;
  pid: string;
  secrets: string;
  /** Why the link ended for good, where it has. */
  stopped: string;
  /** Temporary folders of runs and helpers. Outside `home`, since a run may write to its own. */
  temporary: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * One root for a device: `RUNMESH_HOME`, else the platform's convention. On Linux that is the state folder of XDG,
 * configuration included: a device's identity, journal and configuration belong together and move together.
 */
export function devicePaths(env: Environment, platform: NodeJS.Platform, homedir: string): DevicePaths {
  const home = homeFolder(env, platform, homedir);
  const ownLogs = env.RUNMESH_HOME === undefined && platform === 'darwin';
  return {
    home,
    config: join(home, 'config.json'),
    journal: join(home, 'journal.db'),
    audit: join(home, 'audit.db'),
    socket: socketPath(env, home),
    logs: ownLogs ? join(homedir, 'Library', 'Logs', 'RunMesh') : join(home, 'logs'),
    opener: join(home, 'page.html'),
    lock: join(home, 'daemon.lock'),
    pid: join(home, 'daemon.pid'),
    secrets: join(home, 'secrets.json'),
    stopped: join(home, 'stopped.json'),
    temporary: join(env.TMPDIR && isAbsolute(env.TMPDIR) ? env.TMPDIR : '/tmp', `runmesh-${homeHash(home)}`),
  };
}

/**
 * Makes the folders that are missing, and all of them readable by their owner alone. A folder that others may write to
 * is refused: what lies in it (the config, the journal, the socket) may be theirs. So is a link in a folder's place.
 */
export function prepareFolders(paths: DevicePaths): void {
  for (const folder of new Set([paths.home, paths.logs, dirname(paths.socket)])) ownFolder(folder);
  refuseSyncedFolder(realpathSync(paths.home));
}

/** Makes one such folder. Throws `home_not_ours` or `home_writable_by_others`. */
export function ownFolder(folder: string): void {
  makeFolder(folder, { mode: 0o700, instead: ELSEWHERE });
  const stats = lstatSync(folder);
  // In a shared temporary folder somebody else may have made this name first.
  if (!stats.isDirectory() || (process.getuid !== undefined && stats.uid !== process.getuid())) {
    throw new RunmeshError(
      'home_not_ours',
      `${folder} is ${stats.isSymbolicLink() ? 'a link, and not' : 'not'} a folder of this user. Remove it, or do without it: ${ELSEWHERE}`,
    );
  }
  if ((stats.mode & 0o022) !== 0) {
    throw new RunmeshError(
      'home_writable_by_others',
      `Others may write to ${folder}, so nothing in it can be trusted. Look at what is in it, then run \`chmod 700\` on it, or do without it: ${ELSEWHERE}`,
    );
  }
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

/** iCloud Drive moves files away and brings older ones back, under an open journal too. */
function refuseSyncedFolder(home: string): void {
  if (!home.split(sep).join('/').includes('/Library/Mobile Documents/')) return;
  throw new RunmeshError(
    'home_synced',
    `${home} is synced by iCloud, which may swap a journal for an older one. Point RUNMESH_HOME at a folder that is not.`,
  );
}

function homeFolder(env: Environment, platform: NodeJS.Platform, homedir: string): string {
  const chosen = env.RUNMESH_HOME;
  if (chosen) return resolve(chosen);
  if (platform === 'darwin') return join(homedir, 'Library', 'Application Support', 'RunMesh');
  const state = env.XDG_STATE_HOME;
  // The XDG specification has relative values ignored.
  const base = state && isAbsolute(state) ? state : join(homedir, '.local', 'state');
  return join(base, 'runmesh');
}

/**
 * `home/daemon.sock`, or where that is longer than a Unix socket's address may be, a short path in a temporary folder
 * named by a hash of `home`, so that every process finds the same one.
 */
function socketPath(env: Environment, home: string): string {
  const inHome = join(home, 'daemon.sock');
  if (Buffer.byteLength(inHome) <= MAX_SOCKET_BYTES) return inHome;
  const name = `runmesh-${homeHash(home)}`;
  const candidates = [env.XDG_RUNTIME_DIR, env.TMPDIR, '/tmp'].flatMap((folder) =>
    folder && isAbsolute(folder) ? [join(folder, name, 'daemon.sock')] : [],
  );
  return candidates.find((path) => Buffer.byteLength(path) <= MAX_SOCKET_BYTES) ?? join('/tmp', name, 'd');
}

/** Twelve hexadecimal digits that tell the homes of one machine apart. */
export function homeHash(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12);
}

const ELSEWHERE = 'point RUNMESH_HOME (TMPDIR for temporary files) at a folder of your own.';
/** `sun_path` has 104 bytes on macOS and 108 on Linux, the closing NUL included. */
const MAX_SOCKET_BYTES = 103;
