import type { Devices, MeshCore } from '../context.ts';
import { overdueRuns } from '../store/unfinished-runs.ts';
import { endRun } from './end-run.ts';

/**
 * Fails runs that are past their deadline: at once where no device took them, and after a grace where one did. A connected
 * device ends its run itself, since only it knows what the run was doing, and gets longer for it.
 */
export function endOverdueRuns(core: MeshCore, devices: Pick<Devices, 'isOnline' | 'serve'>): void {
  const now = core.clock.now();
  for (const run of overdueRuns(core.store, now)) {
    const online = run.deviceId !== null && devices.isOnline(run.deviceId);
    const taken = run.status !== 'registered';
    if (taken && run.deadlineAt + (online ? ONLINE_GRACE_MS : AWAY_GRACE_MS) >= now) continue;
    const message = messageFor(taken, online);
    endRun(core, run.id, { status: 'failed', error: { code: 'deadline_exceeded', message } });
    if (run.deviceId !== null) devices.serve(run.deviceId);
  }
}

function messageFor(taken: boolean, online: boolean): string {
  if (!taken) return 'The deadline passed before the device took the run.';
  return online
    ? 'The deadline passed, and the device did not end the run.'
    : 'The deadline passed while the device was away.';
}

const AWAY_GRACE_MS = 60_000;
/** A device counts its deadline by its own clock, and then ends commands and commits. */
const ONLINE_GRACE_MS = 600_000;
