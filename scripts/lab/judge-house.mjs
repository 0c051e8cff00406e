import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { listProcesses } from './orphans.mjs';

/**
 * Commands that outlive by six seconds what they belonged to: their daemon, or, where that is alive, all the runs there
 * were; and helpers that outlive their daemon. Asked when every run has ended; who is seen then is remembered in `seen`
 * and looked for again later.
 */
export function findOrphans(house, seen) {
  const now = performance.now();
  const deaths = new Map(house.daemon.deaths.map(({ life, at }) => [life, at]));
  const alive = listProcesses(house);
  for (const { life, pid } of alive) if (!seen.has(pid)) seen.set(pid, deaths.get(life) ?? now);
  for (const pid of seen.keys()) if (!alive.some((one) => one.pid === pid)) seen.delete(pid);
  return alive.filter(({ pid }) => now - seen.get(pid) >= ORPHAN_MS);
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

/** Asks the daemon to stop, and looks at what it leaves: its temporary folders gone, its audit whole. */
export async function judgeStopped(house) {
  house.daemon.hold();
  if (!(await house.daemon.stop())) return ['the daemon did not end when it was asked to'];
  const left = readdirSync(house.temporary);
  const verify = house.runmesh('audit', 'verify', '--json');
  const { code } = await verify.exited;
  return [
    ...(left.length > 0 ? [`${left.join(', ')} is left in the temporary folder`] : []),
    ...(code === 0 ? [] : [`the audit does not verify: ${verify.stderr() || JSON.stringify(verify.lines)}`]),
  ];
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
/** Twice to four times what a house in the storm was seen to take. */
const MOST_MB = 400;
const MOST_FILES = 200;
const MOST_WAL_MB = 16;
