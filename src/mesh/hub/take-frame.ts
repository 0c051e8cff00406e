import { isRunmeshError } from '../../kit/errors.ts';
import type { DeviceFrame, FrameNamed } from '../../protocol/frames.ts';
import type { MeshCore } from '../context.ts';
import { addEvents } from '../runs/add-events.ts';
import { endRun } from '../runs/end-run.ts';
import { recordCapabilities } from '../store/nodes.ts';
import { answerOrder, findOrder } from '../store/orders.ts';
import { findRunHead, markRunAccepted, type RunHead } from '../store/runs.ts';
import type { DeviceConnection } from './connection.ts';
import { judgeHereRuns, loseRun } from './judge-runs.ts';
import { serveDevice } from './serve-device.ts';

/** Does what a device's frame asks. */
export function takeFrame(core: MeshCore, connection: DeviceConnection, frame: DeviceFrame): void {
  switch (frame.type) {
    case 'hello':
      connection.close('protocol', 'a second hello');
      break;
    case 'accepted':
      takeAccepted(core, connection, frame);
      break;
    case 'rejected':
      takeRejected(core, connection, frame);
      break;
    case 'events':
      takeEvents(core, connection, frame);
      break;
    case 'delta':
      takeDelta(core, connection, frame);
      break;
    case 'order_result':
      takeOrderResult(core, connection, frame);
      break;
    case 'heartbeat':
      takeHeartbeat(core, connection, frame);
      break;
    case 'capabilities':
      recordCapabilities(core.store, connection.deviceId, frame.capabilities);
      break;
    case 'drain':
      connection.draining = true;
      break;
    case 'goodbye':
      connection.close('normal', 'goodbye');
      break;
  }
}

function takeAccepted(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'accepted'>,
): void {
  const run = ownUnfinishedRun(core, connection, frame.runId);
  if (run === undefined || frame.attempt < run.attempt) return;
  markRunAccepted(core.store, run.id, connection.journalEpoch, frame.attempt);
  core.live.open(run);
  serveDevice(core, connection);
}

function takeRejected(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'rejected'>,
): void {
  const run = ownRun(core, connection, frame.runId);
  if (run === undefined || run.status !== 'registered') return;
  if (frame.code === 'busy' || frame.code === 'paused') {
    connection.noteRejection(run.id);
    return;
  }
  endRun(core, run.id, {
    status: 'failed',
    error: { code: `rejected_${frame.code}`, message: frame.message },
  });
  afterEnd(core, connection, run.id);
}

function takeEvents(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'events'>,
): void {
  if (frame.journalEpoch !== connection.journalEpoch) {
    connection.close('protocol', 'events of another journal than hello named');
    return;
  }
  const run = ownRun(core, connection, frame.runId);
  if (run === undefined) return;
  try {
    const { run: now, added } = addEvents(core, run.id, frame);
    if (now.completedAt === null && added > 0) connection.acks.add(run.id, now.lastRunSequence, added);
    else connection.acks.now(run.id, now.lastRunSequence);
    if (now.completedAt !== null) afterEnd(core, connection, run.id);
  } catch (error) {
    refuseEvents(core, connection, run, error);
  }
}

/** Refuses a batch. A number that does not fit is answered with what the mesh has; nothing stored is touched. */
function refuseEvents(core: MeshCore, connection: DeviceConnection, run: RunHead, error: unknown): void {
  if (!isRunmeshError(error)) throw error;
  const { deviceId } = connection;
  core.log.warn({ deviceId, runId: run.id, code: error.code, details: error.details }, 'events refused');
  switch (error.code) {
    case 'sequence_conflict':
    case 'stale_attempt':
      connection.acks.now(run.id, run.lastRunSequence);
      break;
    case 'run_ended':
      connection.close('epoch', 'the run has ended on the mesh');
      break;
    case 'bad_request':
      connection.close('protocol', error.message);
      break;
    default:
      throw error;
  }
}

function takeDelta(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'delta'>,
): void {
  // The channel knows its device: no look into the store for each of many small deltas.
  if (core.live.deviceOf(frame.runId) !== connection.deviceId) {
    const run = ownRun(core, connection, frame.runId);
    if (run === undefined || run.completedAt !== null) return;
    core.live.open(run);
  }
  core.live.delta(frame);
}

function takeOrderResult(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'order_result'>,
): void {
  const run = ownRun(core, connection, frame.runId);
  const order = findOrder(core.store, frame.orderId);
  if (run === undefined || order?.runId !== run.id) return;
  answerOrder(core.store, frame.orderId, frame);
  core.answers.answered(frame.orderId);
  if (order.kind === 'cancel' && frame.status === 'refused' && frame.code === 'unknown_run') {
    loseRun(core, run, 'The device does not know the run that was to be cancelled.');
    connection.noteRunEnded(run.id);
  }
  // It reads: what waited for that goes on.
  serveDevice(core, connection);
}

function takeHeartbeat(
  core: MeshCore,
  connection: DeviceConnection,
  frame: FrameNamed<DeviceFrame, 'heartbeat'>,
): void {
  const runs = frame.runs.flatMap(({ runId }) => {
    const run = findRunHead(core.store, runId);
    return run?.deviceId === connection.deviceId ? [{ runId, acked: run.lastRunSequence }] : [];
  });
  connection.send({ type: 'heartbeat', runs });
  if (frame.here !== undefined) judgeHereRuns(core, connection.deviceId, frame.here);
}

function afterEnd(core: MeshCore, connection: DeviceConnection, runId: string): void {
  connection.noteRunEnded(runId);
  serveDevice(core, connection);
}

/** The connection's own run. Another device's breaks the protocol; an unknown one needs a new handshake. */
function ownRun(core: MeshCore, connection: DeviceConnection, runId: string): RunHead | undefined {
  const run = findRunHead(core.store, runId);
  if (run?.deviceId === connection.deviceId) return run;
  if (run === undefined) connection.close('epoch', 'the mesh does not know this run');
  else connection.close('protocol', 'the run belongs to another device');
  return undefined;
}

/** As `ownRun`; a run that the mesh has ended needs a new handshake too, which tells the device to forget it. */
function ownUnfinishedRun(core: MeshCore, connection: DeviceConnection, runId: string): RunHead | undefined {
  const run = ownRun(core, connection, runId);
  if (run === undefined || run.completedAt === null) return run;
  connection.close('epoch', 'the run has ended on the mesh');
  return undefined;
}
