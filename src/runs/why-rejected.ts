import { isRunmeshError, messageOf } from '../kit/errors.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { Accepted, PauseReason, RunHost } from './ports.ts';

/** Why this device does not take a run, in the wire's words; `undefined` when it does. */
export function whyRejected(
  order: DispatchOrder,
  device: { host: Pick<RunHost, 'prepare'>; queued: number; pause: readonly PauseReason[] },
): Accepted | undefined {
  if (device.pause.length > 0) {
    return { accepted: false, code: 'paused', message: `this device is paused: ${device.pause.join(', ')}` };
  }
  if ([order.runId, order.threadId, order.rolloutId].some((id) => !PLAIN_ID.test(id))) {
    return {
      accepted: false,
      code: 'invalid',
      message: 'an id of this run has other signs than letters, digits and marks',
    };
  }
  if (Number.isNaN(Date.parse(order.deadlineAt))) {
    return {
      accepted: false,
      code: 'invalid',
      message: `the deadline "${order.deadlineAt.slice(0, 50)}" is no time`,
    };
  }
  if (device.queued >= MAX_QUEUED) {
    return { accepted: false, code: 'busy', message: `${device.queued} runs wait on this device already` };
  }
  try {
    device.host.prepare(order);
    return undefined;
  } catch (error) {
    if (isRunmeshError(error, 'tool_unknown')) {
      return { accepted: false, code: 'unsupported', message: messageOf(error) };
    }
    if (isRunmeshError(error, 'workspace_unknown') || isRunmeshError(error, 'sandbox_invalid')) {
      return { accepted: false, code: 'invalid', message: messageOf(error) };
    }
    // A folder that vanished or the like: the run is taken, and fails with that reason.
    return undefined;
  }
}

const MAX_QUEUED = 1_000;
/** SQLite ends a text at a NUL and keeps no half of a surrogate pair: such a run would be stored under another name. */
const PLAIN_ID = /^[!-~]{1,200}$/;
