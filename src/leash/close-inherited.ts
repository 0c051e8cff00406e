import { closeSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Closes what this process inherited and did not open: whoever started the daemon may have left files, pipes and sockets open, and
 * every command would have them too, in the sandbox as well. What Node opens is closed by the system when a program starts, so
 * only what would be passed on is closed. Linux alone tells which that is; macOS's spawn passes nothing on (node-pty asks it to).
 */
export function closeInherited(): void {
  let open: string[];
  try {
    open = readdirSync('/proc/self/fd');
  } catch {
    return;
  }
  for (const name of open) {
    const fd = Number(name);
    if (fd > 2 && isPassedOn(name)) closeSync(fd);
  }
}

function isPassedOn(fd: string): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The one that the folder was read by is closed by now.
    return false;
  }
}

/** O_CLOEXEC of Linux, as fdinfo shows it (proc_pid_fdinfo(5)). */
const CLOSE_ON_EXEC = 0o2000000;
