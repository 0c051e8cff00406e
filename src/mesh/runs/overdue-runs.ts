import type { Devices, MeshCore } from '../context.ts';
import { overdueRuns } from '../store/unfinished-runs.ts';
import { endRun } from './end-run.ts';

/**
 * Fails runs that are past their deadline: at once where no device took them, and after a grace where their device is
 * away. A connected device ends its run itself, since only it knows what the run was doing.
 */
export function endOverdueRuns(core: MeshCore, devices: Pick<Devices, 'isOnline' | 'serve'>): void {
  const now = core.clock.now();
  for (const run of overdueRuns(core.store, now)) {
    const taken = run.status !== 'registered';
    const away = run.deviceId === null || !devices.isOnline(run.deviceId);
    if (taken && !(away && run.deadlineAt + AWAY_GRACE_MS < now)) continue;
    const message = taken
      ? 'The deadline passed while the device was away.'
      : 'The deadline passed before the device took the run.';
    endRun(core, run.id, { status: 'failed', error: { code: 'deadline_exceeded', message } });
    if (run.deviceId !== null) devices.serve(run.deviceId);
  }
}

const AWAY_GRACE_MS = 60_000;
