import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  createKeepAwake,
  type Inhibitor,
  type KeepAwake,
  type KeepAwakeOptions,
} from '../device/keep-awake.ts';

/** `createKeepAwake` on this machine. */
export function keepThisAwake(
  platform: NodeJS.Platform,
  options: Pick<KeepAwakeOptions, 'clock' | 'log' | 'policy' | 'busy'>,
): KeepAwake {
  return createKeepAwake({
    ...options,
    pid: process.pid,
    inhibit,
    ports: {
      platform,
      run: async (command, args) =>
        (await promisify(execFile)(command, [...args], { timeout: ANSWER_MS })).stdout,
      list: (folder) => readdir(folder),
      read: (file) => readFile(file, 'utf8'),
    },
  });
}

function inhibit(command: string, args: readonly string[]): Inhibitor {
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
  return { ended, end: () => endGroup(child.pid) };
}

/** systemd-inhibit's own child would outlive it. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended already.
  }
}

const ANSWER_MS = 5_000;
