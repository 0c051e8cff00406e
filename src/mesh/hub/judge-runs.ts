import type { FrameNamed, MeshFrame } from '../../protocol/frames.ts';
import type { MeshCore } from '../context.ts';
import { endRun } from '../runs/end-run.ts';
import { findRunHead, markRunAccepted, type RunHead } from '../store/runs.ts';
import { runsHeldSince, unfinishedRuns } from '../store/unfinished-runs.ts';
import type { Hello } from './handshake.ts';

type Verdict = FrameNamed<MeshFrame, 'welcome'>['runs'][number];

/**
 * What `welcome` answers for each run of a `hello`. A run that its device had taken and does not know any more, knows
 * from another journal, or knows less of than it was acknowledged for, cannot go on: it fails with `journal_lost`.
 */
export function judgeRuns(core: MeshCore, deviceId: string, hello: Hello): Verdict[] {
  const listed = new Set(hello.runs.map(({ runId }) => runId));
  for (const run of unfinishedRuns(core.store, deviceId)) {
    const taken = run.status !== 'registered' && run.startedBy === 'caller';
    if (taken && !listed.has(run.id)) loseRun(core, run, 'The device does not know this run any more.');
  }
  return hello.runs.map((cursor) => judgeRun(core, deviceId, hello, cursor));
}

/**
 * Ends what a device registered itself and, minutes later, does not hold: it refused the run and could not say so, or died
 * before it had the answer. Its journal may also be another one now.
 */
export function judgeHereRuns(core: MeshCore, deviceId: string, held: readonly string[]): void {
  const known = new Set(held);
  for (const run of runsHeldSince(core.store, deviceId, core.clock.now() - REGISTERING_MS)) {
    if (!known.has(run.id)) loseRun(core, run, 'The device that started this run does not know it.');
  }
}

function judgeRun(core: MeshCore, deviceId: string, hello: Hello, cursor: Hello['runs'][number]): Verdict {
  const run = findRunHead(core.store, cursor.runId);
  if (run === undefined || run.deviceId !== deviceId) return forget(cursor.runId, 0);
  if (run.completedAt !== null) return forget(run.id, run.lastRunSequence);
  if (run.journalEpoch !== null && run.journalEpoch !== hello.journalEpoch) {
    loseRun(core, run, "The device's journal was begun anew while the run was under way.");
    return forget(run.id, 0);
  }
  if (cursor.lastRunSequence < run.lastRunSequence) {
    loseRun(core, run, "The device's journal lost events that the mesh has.");
    return forget(run.id, run.lastRunSequence);
  }
  markRunAccepted(core.store, run.id, hello.journalEpoch, cursor.attempt);
  core.live.open(run);
  return {
    runId: run.id,
    ackedRunSequence: run.lastRunSequence,
    deltas: core.live.offsets(run.id).map(({ messageId, kind, offset }) => ({ messageId, kind, offset })),
    verdict: run.cancelRequested === 0 ? 'resume' : 'cancel',
  };
}

function forget(runId: string, ackedRunSequence: number): Verdict {
  return { runId, ackedRunSequence, deltas: [], verdict: 'forget' };
}

/** Fails a run that its device has not or not any more. */
export function loseRun(core: MeshCore, run: Pick<RunHead, 'id'>, message: string): void {
  endRun(core, run.id, { status: 'failed', error: { code: 'journal_lost', message } });
}

/** Longer than a device takes from the mesh's answer to its own commit. */
const REGISTERING_MS = 120_000;
