import { forgetStop, type LastStop, recordStop } from '../device/last-stop.ts';
import { isoTime } from '../kit/clock.ts';
import { messageOf } from '../kit/errors.ts';
import type { OpenedDevice } from './open-device.ts';

/**
 * Notes why the link ended for good, or takes the note away (`undefined`: the link is up). It is told while no daemon runs and
 * decides nothing, so a disk that does not take it keeps nothing from going on.
 */
export function noteStop(
  { paths, mesh, clock, log }: OpenedDevice,
  stop: Pick<LastStop, 'why' | 'reason'> | undefined,
): void {
  try {
    if (stop === undefined) forgetStop(paths);
    else recordStop(paths, { deviceId: mesh.deviceId, ...stop, at: isoTime(clock.now()) });
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'the note of why the link ended could not be changed');
  }
}
