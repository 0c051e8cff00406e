import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processes of a house that are neither its daemon nor its mesh: `{ pid, life }`. A command bears its life in its
 * environment. A helper (the leash, its proxies) bears the house's temporary folder alone, and is listed, without a life,
 * where it does not descend from the daemon that lives.
 */
export function listProcesses({ dir, temporary, daemon }) {
  const found = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || !isAlive(name)) continue;
    const pid = Number(name);
    const environ = `\0${readText(`/proc/${name}/environ`)}`;
    if (environ.includes('\0LAB_LIFE=')) continue;
    const life = /\0LC_LAB=(\d+)\0/.exec(environ)?.[1];
    if (life !== undefined && environ.includes(`\0HOME=${dir}\0`)) found.push({ pid, life: Number(life) });
    else if (environ.includes(`\0TMPDIR=${temporary}`) && !descends(pid, daemon.pid)) found.push({ pid });
  }
  return found;
}

function descends(pid, ancestor) {
  for (let at = pid; at > 1; at = parentOf(at)) if (at === ancestor) return true;
  return false;
}

function parentOf(pid) {
  const stat = readText(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function readText(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function isAlive(pid) {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Kills the helper processes that a daemon runs commands with. */
export function killLeashes(daemonPid) {
  for (const pid of leashesOf(daemonPid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** Children of a daemon that are leashes. */
function leashesOf(daemonPid) {
  const text = readText(`/proc/${daemonPid}/task/${daemonPid}/children`);
  const children = text.split(' ').filter(Boolean).map(Number);
  return children.filter((pid) => readText(`/proc/${pid}/cmdline`).includes('leash-main.js'));
}
