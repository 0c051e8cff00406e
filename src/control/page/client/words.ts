import type { DurablePayload } from '../../../protocol/events.ts';
import type { LocalRunItem } from '../../contract.ts';

/** What stands in the way of runs, as the rest of a sentence. A reason that this page does not know is shown by its name. */
export function describePause(reason: string): string {
  return PAUSES[reason] ?? reason;
}

/** A short instant: the time where it is today's, else the date with it. */
export function formatInstant(iso: string, now: number): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === new Date(now).toDateString()) return time;
  return `${at.toLocaleDateString([], { day: 'numeric', month: 'short', year: 'numeric' })}, ${time}`;
}

export const STATUS_KIND: Record<LocalRunItem['status'], 'good' | 'bad' | 'warn' | 'dim'> = {
  queued: 'dim',
  running: 'warn',
  completed: 'good',
  failed: 'bad',
  cancelled: 'dim',
};

export const ANSWERED: Record<DurablePayload<'approval_resolved'>['decision'], string> = {
  once: 'Allowed, once',
  run: 'Allowed for this run',
  always: 'Allowed for good',
  no: 'Refused',
  timed_out: 'Nobody answered in time, which is a no',
};

const PAUSES: Readonly<Record<string, string>> = {
  owner: 'you paused this device',
  disk_full: 'the disk is full; it goes on by itself when there is space',
  draining: 'the daemon is stopping',
  secrets_locked: 'this device’s secrets cannot be read; unlock the keychain',
};
