import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createKeepAwake, type Inhibitor, type KeepAwake } from '../device/keep-awake.ts';
import type { Runs } from '../runs/ports.ts';
import type { OpenedDevice } from './open-device.ts';

/** Holds this machine's sleep off while a run of this process is at work; one that only waits for its owner is not. */
export function keepThisAwake(
  platform: NodeJS.Platform,
  { clock, log, config }: Pick<OpenedDevice, 'clock' | 'log' | 'config'>,
  runs: () => Pick<Runs, 'list' | 'listApprovals'>,
): KeepAwake {
  return createKeepAwake({
    clock,
    log,
    policy: () => config.power.keepAwake,
    busy: () => {
      const asking = new Set(
        runs()
          .listApprovals()
          .map(({ runId }) => runId),
      );
      return runs()
        .list()
        .some(({ runId, state }) => state !== 'queued' && !asking.has(runId));
    },
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
