import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process that can be told from any later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** The system's own start stamp, opaque: compare for equality only. */
  startTime: string;
  /** Session id (`setsid`); a pty's child leads its own session. */
  sid: number;
}

export interface ProcessRow extends ProcessIdentity {
  parentPid: number;
  group: number;
  /** Ended, and not yet fetched by its parent. */
  zombie: boolean;
}

/** Every process there is, by pid. Linux reads /proc (about 1 ms for 100 processes), macOS asks `ps` (about 10 ms). */
export function listProcesses(platform: NodeJS.Platform = process.platform): Map<number, ProcessRow> {
  const rows = platform === 'darwin' ? readPs(runPs()) : readProc();
  return new Map(rows.map((row) => [row.pid, row]));
}

/** One process, or `undefined` when there is none of that pid. */
export function readProcess(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): ProcessRow | undefined {
  return platform === 'darwin' ? readPs(runPs(pid))[0] : readStat(pid);
}

/** Rows of `ps -o pid=,ppid=,pgid=,stat=,lstart=`. `ps` on macOS shows no session ids, so a group stands for one. */
export function readPs(output: string): ProcessRow[] {
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (match === null) return [];
    const [, pid, parentPid, group, stat = '', startTime = ''] = match;
    const zombie = stat.startsWith('Z');
    return [
      {
        pid: Number(pid),
        parentPid: Number(parentPid),
        group: Number(group),
        sid: Number(group),
        startTime,
        zombie,
      },
    ];
  });
}

function runPs(pid?: number): string {
  const which = pid === undefined ? ['-ax'] : ['-p', String(pid)];
  try {
    return execFileSync('/bin/ps', [...which, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    // `ps -p` of a pid that is gone exits 1.
    return '';
  }
}

function readProc(): ProcessRow[] {
  return readdirSync('/proc').flatMap((name) => {
    const row = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    return row === undefined ? [] : [row];
  });
}

/** `/proc/PID/stat`: the name may hold spaces and brackets, so fields are counted from the last bracket (proc(5)). */
function readStat(pid: number): ProcessRow | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parentPid, group, sid] = fields;
  return {
    pid,
    parentPid: Number(parentPid),
    group: Number(group),
    sid: Number(sid),
    startTime: fields[19] ?? '',
    zombie: state === 'Z' || state === 'X',
  };
}

/**
 * Processes whose environment holds `RUNMESH_SESSION=mark`: a command's descendants have it by inheritance, whoever
 * they lost as a parent, and nobody else can. One that was started with an empty environment is not found so.
 */
export function findMarked(mark: string, platform: NodeJS.Platform = process.platform): Set<number> {
  const assignment = `${MARK_VARIABLE}=${mark}`;
  if (platform === 'darwin') return readMarked(runPsWithEnvironment(), assignment);
  const pids = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && environOf(name).includes(`${assignment}\0`),
  );
  return new Set(pids.map(Number));
}

/** Lines of `ps -E -o pid=,command=` in which the assignment stands as a word of its own. */
export function readMarked(output: string, assignment: string): Set<number> {
  const lines = output.split('\n').filter((line) => ` ${line} `.includes(` ${assignment} `));
  return new Set(lines.map((line) => Number.parseInt(line, 10)));
}

function environOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    // Another user's, or gone.
    return '';
  }
}

function runPsWithEnvironment(): string {
  return execFileSync('/bin/ps', ['-axEww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1_048_576,
  });
}

export const MARK_VARIABLE = 'RUNMESH_SESSION';
