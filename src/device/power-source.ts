import { messageOf } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';

export interface PowerSource {
  source: 'mains' | 'battery' | 'unknown';
  /** How full the battery is; `null` where there is none, or it does not say. */
  percent: number | null;
}

/** What is asked of the machine. */
export interface PowerPorts {
  platform: NodeJS.Platform;
  /** What a program prints; rejects where it cannot be run or fails. */
  run(command: string, args: readonly string[]): Promise<string>;
  /** The names in a folder; rejects where there is none. */
  list(folder: string): Promise<string[]>;
  read(file: string): Promise<string>;
}

/** Whether this machine runs on mains. A machine without batteries does. */
export async function readPowerSource(ports: PowerPorts, log: Log): Promise<PowerSource> {
  try {
    return ports.platform === 'darwin'
      ? readPmset(await ports.run('/usr/bin/pmset', ['-g', 'batt']))
      : await readSysfs(ports);
  } catch (error) {
    log.debug({ reason: messageOf(error) }, 'the power source cannot be told');
    return { source: 'unknown', percent: null };
  }
}

/**
 * `pmset -g batt`: a line `Now drawing from 'AC Power'` (or 'Battery Power', 'UPS Power'), and one for each battery with
 * `87%; discharging`.
 */
export function readPmset(text: string): PowerSource {
  const from = /drawing from '([^']+)'/.exec(text)?.[1];
  const percent = /(\d{1,3})%;/.exec(text)?.[1];
  return {
    source: from === undefined ? 'unknown' : from === 'AC Power' ? 'mains' : 'battery',
    percent: percent === undefined ? null : Number(percent),
  };
}

/** https://docs.kernel.org/power/power_supply_class.html. Batteries of mice and headsets (`scope` Device) do not count. */
async function readSysfs(ports: PowerPorts): Promise<PowerSource> {
  const names = await ports.list(SYSFS).catch(() => []);
  const supplies = await Promise.all(names.map((name) => readSupply(ports, `${SYSFS}/${name}`)));
  const own = supplies.filter(({ scope }) => scope !== 'Device');
  const batteries = own.filter(({ type }) => type === 'Battery');
  if (batteries.length === 0) return { source: 'mains', percent: null };
  const plugged = own.some(({ type, online }) => type !== 'Battery' && online === '1');
  const discharging = batteries.some(({ status }) => status === 'Discharging');
  const capacity = batteries.map((battery) => battery.capacity).find((value) => value !== '');
  return {
    source: plugged || !discharging ? 'mains' : 'battery',
    percent: capacity === undefined ? null : Number(capacity),
  };
}

async function readSupply({ read }: PowerPorts, folder: string) {
  const value = async (name: string) => (await read(`${folder}/${name}`).catch(() => '')).trim();
  return {
    type: await value('type'),
    scope: await value('scope'),
    online: await value('online'),
    status: await value('status'),
    capacity: await value('capacity'),
  };
}

const SYSFS = '/sys/class/power_supply';
