import type { Journal } from '../journal/journal.ts';
import { listCursors } from '../journal/list-cursors.ts';
import type { DeviceFrame, FrameNamed } from '../protocol/frames.ts';

type Heartbeat = FrameNamed<DeviceFrame, 'heartbeat'>;

/**
 * A device's heartbeat: how far its runs are, and which it started itself. A run that the mesh registered for this device
 * and never finds here was lost on the way. Where there are too many for a frame it says none, and nothing follows.
 */
export function heartbeatOf(journal: Journal, positions: Heartbeat['runs']): Heartbeat {
  const runs = positions.map(({ runId, committed, acked }) => ({ runId, committed, acked }));
  const here = listCursors(journal).filter(({ origin }) => origin === 'here');
  const told = here.length > MOST_HERE ? {} : { here: here.map(({ runId }) => runId) };
  return { type: 'heartbeat', runs, ...told };
}

/** What a device queues, and as many again that have ended and are not published. */
const MOST_HERE = 2_000;
