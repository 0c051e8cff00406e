import { readdirSync, readFileSync } from 'node:fs';

/**
 * Processes that bear a life of this house in their environment, as commands of that life do: by life, their pids. The
 * daemon and the mesh themselves are not commands.
 */
export function commandsByLife(home) {
  const lives = new Map();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const environ = readText(`/proc/${pid}/environ`);
    if (!environ.includes(`\0HOME=${home}\0`) && !environ.startsWith(`HOME=${home}\0`)) continue;
    if (environ.includes('LAB_LIFE=')) continue;
    const life = /(?:^|\0)LC_LAB=(\d+)\0/.exec(environ)?.[1];
    if (life === undefined || !isAlive(pid)) continue;
    lives.set(Number(life), [...(lives.get(Number(life)) ?? []), Number(pid)]);
  }
  return lives;
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
  for (const pid of leashesOf(daemonPid)) process.kill(pid, 'SIGKILL');
}

/** Children of a daemon that are leashes. */
export function leashesOf(daemonPid) {
  const text = readText(`/proc/${daemonPid}/task/${daemonPid}/children`);
  const children = text.split(' ').filter(Boolean).map(Number);
  return children.filter((pid) => readText(`/proc/${pid}/cmdline`).includes('leash-main.js'));
}
