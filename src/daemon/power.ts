import { execFile, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createKeepAwake, type Inhibitor, type KeepAwake } from '../device/keep-awake.ts';
import type { PowerPorts } from '../device/power-source.ts';
import type { Clock } from '../kit/clock.ts';
import type { Runs } from '../runs/ports.ts';
import type { OpenedDevice } from './open-device.ts';

/** Holds this machine's sleep off while a run of this process is at work; one that only waits for its owner is not. */
export function keepThisAwake(
  platform: NodeJS.Platform,
  { clock, log, config }: Pick<OpenedDevice, 'clock' | 'log' | 'config'>,
  runs: () => Pick<Runs, 'states' | 'listApprovals'>,
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
      return [...runs().states()].some(([runId, state]) => state !== 'queued' && !asking.has(runId));
    },
    pid: process.pid,
    inhibit,
    ports: {
      platform,
      run: recently(
        clock,
        async (command, args) =>
          (await promisify(execFile)(command, [...args], { timeout: ANSWER_MS })).stdout,
      ),
      list: (folder) => readdir(folder),
      read: (file) => readFile(file, 'utf8'),
    },
  });
}

type Ask = PowerPorts['run'];

/** What a program printed a moment ago is not asked of it anew: a page that is looked at wants to know each second. */
export function recently(clock: Pick<Clock, 'monotonic'>, ask: Ask): Ask {
  const answers = new Map<string, { atMs: number; answer: Promise<string> }>();
  return (command, args) => {
    const question = JSON.stringify([command, ...args]);
    const known = answers.get(question);
    const now = clock.monotonic();
    if (known !== undefined && now - known.atMs < RECENT_MS) return known.answer;
    const answer = ask(command, args);
    answers.set(question, { atMs: now, answer });
    return answer;
  };
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
const RECENT_MS = 5_000;
