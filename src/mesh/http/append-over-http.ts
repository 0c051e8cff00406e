import { isoTime } from '../../kit/clock.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { DeviceEvent } from '../../protocol/events.ts';
import type { AppendAnswer, AppendRequest } from '../../protocol/threads.ts';
import type { MeshServices } from '../context.ts';
import { addEvents } from '../runs/add-events.ts';
import type { KeyRow } from '../store/keys.ts';
import { findRunHead, type RunHead } from '../store/runs.ts';
import { findThread, type ThreadRow } from '../store/threads.ts';
import { reaches } from './scopes.ts';

/**
 * Appends a run's events that came over HTTP, by the same rule as the socket's. What a run did is told by the device that
 * executes it, with its own key, and by nobody else: the contract has this call for a device that publishes its runs, and
 * a caller's `agent:run` would otherwise end and forge the runs of everybody in its organisation.
 */
export function appendOverHttp(
  services: MeshServices,
  key: KeyRow,
  thread: ThreadRow,
  body: AppendRequest,
): AppendAnswer {
  const run = findRunHead(services.store, body.runId);
  if (run?.threadId !== thread.id || !reaches(key, run)) {
    throw new RunmeshError('not_found', `Thread ${thread.id} has no run ${body.runId}.`);
  }
  if (key.deviceId === null) {
    throw new RunmeshError(
      'forbidden',
      `Only the device of run ${run.id} writes its events, with its own key. To say something to the run: POST /v1/run/${run.id}/steer`,
    );
  }
  if (body.rolloutId !== run.rolloutId) {
    throw new RunmeshError('bad_request', `rolloutId: run ${run.id} is in rollout ${run.rolloutId}`, {
      details: { field: 'rolloutId' },
    });
  }
  const { run: now, added } = addEvents(services, run.id, {
    journalEpoch: body.journalEpoch ?? run.journalEpoch ?? services.store.meshEpoch,
    attempt: body.attempt ?? run.attempt,
    events: numberEvents(body, run, isoTime(services.clock.now())),
  });
  if (now.completedAt !== null && now.deviceId !== null) services.devices.serve(now.deviceId);
  return {
    threadId: thread.id,
    rolloutId: run.rolloutId,
    sequence: findThread(services.store, thread, thread.id)?.lastSequence ?? 0,
    appended: added,
    ackedRunSequence: now.lastRunSequence,
  };
}

/** Events with numbers keep them; without, they are numbered after what the run has. Not some of each. */
function numberEvents(body: AppendRequest, run: RunHead, createdAt: string): DeviceEvent[] {
  const numbered = body.events[0]?.runSequence !== undefined;
  return body.events.map((event, index) => {
    if ((event.runSequence !== undefined) !== numbered) {
      const field = `events.${index}.runSequence`;
      throw new RunmeshError('bad_request', `${field}: number all events of a call, or none`, {
        details: { field },
      });
    }
    return {
      ...event,
      runSequence: event.runSequence ?? run.lastRunSequence + index + 1,
      createdAt: event.createdAt ?? createdAt,
    };
  });
}
