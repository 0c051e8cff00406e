import type { Clock } from '../kit/clock.ts';
import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import { Wake } from '../kit/wake.ts';
import type { DeviceConfig } from './config-schema.ts';
import { type PowerPorts, type PowerSource, readPowerSource } from './power-source.ts';

/** A program that keeps the machine awake for as long as it runs. */
export interface Inhibitor {
  /** Resolves when it has ended, by itself or because it was ended; rejects where it could not be started. */
  ended: Promise<void>;
  end(): void;
}

export interface KeepAwakeOptions {
  ports: PowerPorts;
  /** Starts the program that keeps the machine awake. */
  inhibit(command: string, args: readonly string[]): Inhibitor;
  /** The daemon's: where it dies, so does what it holds. */
  pid: number;
  clock: Clock;
  log: Log;
  policy(): DeviceConfig['power']['keepAwake'];
  /** Whether a run is at work; one that waits for a person is not. */
  busy(): boolean;
}

export interface KeepAwake {
  /** Until `signal` aborts; then nothing is held any more. */
  run(signal: AbortSignal): Promise<void>;
  /** Something that it goes by may have changed. */
  changed(): void;
  /** As it is now. */
  state(): Promise<PowerSource & { keepingAwake: boolean }>;
}

/**
 * Keeps the machine from falling asleep over a run: idle sleep alone, as nothing vetoes a closed lid; on mains alone,
 * unless its owner says otherwise; and for no longer than the run is at work.
 */
export function createKeepAwake(options: KeepAwakeOptions): KeepAwake {
  const { ports, clock, log } = options;
  const wake = new Wake<'changed'>();
  let power: PowerSource = { source: 'unknown', percent: null };
  let held: Inhibitor | undefined;
  /** The program ended by itself; it is not started again before the next run. */
  let broken = false;

  const look = async (): Promise<boolean> => {
    const busy = options.busy();
    if (!busy) broken = false;
    power = await readPowerSource(ports, log);
    const policy = options.policy();
    const wanted = busy && (policy === 'always' || (policy === 'ac' && power.source === 'mains'));
    if (wanted && held === undefined && !broken) hold();
    if (!wanted) release();
    return busy;
  };

  const hold = (): void => {
    const [command, ...args] = inhibitCommand(ports.platform, options.pid);
    const one = options.inhibit(command, args);
    held = one;
    one.ended
      .catch((error) => log.warn({ command, reason: messageOf(error) }, 'the machine cannot be kept awake'))
      .finally(() => {
        if (held !== one) return;
        held = undefined;
        broken = true;
      });
  };

  const release = (): void => {
    const one = held;
    held = undefined;
    one?.end();
  };

  return {
    run: async (signal) => {
      while (!signal.aborted) {
        const busy = await look();
        await wake.wait(clock, busy ? LOOK_MS : Number.POSITIVE_INFINITY, signal);
      }
      release();
    },
    changed: () => wake.wake('changed'),
    state: async () => {
      await look();
      return { ...power, keepingAwake: held !== undefined };
    },
  };
}

/**
 * macOS: `-i` is idle sleep, `-w` ends it with the daemon (https://ss64.com/mac/caffeinate.html). Linux: a lock of logind
 * lasts as long as the command it was given, here one that waits for the daemon's end.
 */
function inhibitCommand(platform: NodeJS.Platform, pid: number): [string, ...string[]] {
  if (platform === 'darwin') return ['/usr/bin/caffeinate', '-i', '-w', String(pid)];
  return [
    'systemd-inhibit',
    '--what=idle',
    '--who=RunMesh',
    '--why=a run is at work',
    'tail',
    `--pid=${pid}`,
    '-f',
    '/dev/null',
  ];
}

/** How soon a cable that was pulled is noticed. */
const LOOK_MS = 30_000;
