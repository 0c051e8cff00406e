import { formatAgo } from '../../control/words/format.ts';
import type { LastStop } from '../../device/last-stop.ts';
import { cleanLine } from './clean.ts';

/** Why no daemon of this device will connect, and the one thing that helps. */
export function stopWords(stop: LastStop, meshUrl: string, now: number): { why: string; next: string } {
  const device = `${cleanLine(stop.deviceId)} of ${meshUrl}`;
  return {
    why: `The daemon of ${device} stopped for good ${formatAgo(stop.at, now)}: ${cleanLine(stop.reason)}.`,
    next: NEXT[stop.why] ?? 'runmesh link',
  };
}

/** By the link's stop reasons; linking anew is what most of them need. */
const NEXT: Readonly<Record<string, string>> = {
  version: 'runmesh update',
  protocol: 'runmesh logs --level warn',
  replaced: 'runmesh daemon, once the other one is stopped',
};
