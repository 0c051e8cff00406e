import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { commandsByLife, leashesOf } from './orphans.mjs';

/** Commands that live and should not: of a life that died six seconds ago, or of one whose runs have all ended. */
export function findOrphans(house) {
  const now = performance.now();
  const deaths = new Map(house.daemon.deaths.map(({ life, at }) => [life, at]));
  return [...commandsByLife(house.dir)]
    .filter(([life]) => now - (deaths.get(life) ?? -Infinity) >= ORPHAN_MS)
    .flatMap(([life, pids]) => pids.map((pid) => ({ life, pid })));
}

/** Memory, open files and the journal's log of a house at rest. */
export function measure({ daemon, mesh, journalFile }) {
  return {
    daemonMb: residentMb(daemon.pid),
    meshMb: residentMb(mesh.pid),
    files: Math.max(openFiles(daemon.pid), openFiles(mesh.pid)),
    walMb: sizeMb(`${journalFile}-wal`),
  };
}

export function judgeMeasure({ daemonMb, meshMb, files, walMb }) {
  const wrong = [];
  if (daemonMb > MOST_MB || meshMb > MOST_MB) wrong.push(`memory: daemon ${daemonMb} MB, mesh ${meshMb} MB`);
  if (files > MOST_FILES) wrong.push(`${files} files are open`);
  if (walMb > MOST_WAL_MB) wrong.push(`the journal's log has ${walMb} MB`);
  return wrong;
}

/** Folders that the leashes of a daemon hold open in the temporary folder: to be gone with them. */
export function gateFolders(daemonPid) {
  if (daemonPid === undefined) return [];
  return leashesOf(daemonPid)
    .flatMap((pid) => filesOf(pid))
    .flatMap((path) => GATES.exec(path)?.[0] ?? []);
}

/** What the mesh has of a run, to be found the same for ever. */
export function digestOf({ events }) {
  const hash = createHash('sha256');
  for (const { n, type, payload, at } of events) hash.update(JSON.stringify([n, type, payload, at]));
  return hash.digest('hex');
}

function filesOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function openFiles(pid) {
  return filesOf(pid).length;
}

function residentMb(pid) {
  try {
    return Math.round(
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024,
    );
  } catch {
    return 0;
  }
}

function sizeMb(path) {
  return statSync(path, { throwIfNoEntry: false })?.size / 1_048_576 || 0;
}

export const ORPHAN_MS = 6_000;
const GATES = /^.*\/runmesh-leash-[^/]+/;
/** Twice to four times what a house in the storm was seen to take. */
const MOST_MB = 400;
const MOST_FILES = 200;
const MOST_WAL_MB = 16;
