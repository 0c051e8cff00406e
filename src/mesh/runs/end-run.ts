import { isoTime } from '../../kit/clock.ts';
import type { RunError } from '../../protocol/errors.ts';
import type { DurablePayload, FinalStatus } from '../../protocol/events.ts';
import { NO_USAGE, type Usage, usage as usageSchema } from '../../protocol/usage.ts';
import type { MeshCore } from '../context.ts';
import { insertEvents, recordEnd } from '../store/append-events.ts';
import { readEventsOfType } from '../store/read-events.ts';
import { findRunHead } from '../store/runs.ts';
import type { Store } from '../store/store.ts';

/**
 * Ends a run from the mesh's side, with a `run_completed` of the mesh's own under its `meshEpoch`. `false`: the run
 * had ended before, and stays as it ended.
 */
export function endRun(
  core: MeshCore,
  runId: string,
  end: { status: Exclude<FinalStatus, 'completed'>; error?: RunError },
): boolean {
  const { store, clock } = core;
  const now = clock.now();
  const stored = store.transaction(() => {
    const run = findRunHead(store, runId);
    if (run === undefined || run.completedAt !== null) return undefined;
    const payload: DurablePayload<'run_completed'> = { ...end, result: null, ...usageSoFar(store, runId) };
    const event = {
      runSequence: run.lastRunSequence + 1,
      type: 'run_completed',
      payload: JSON.parse(JSON.stringify(payload)),
      createdAt: isoTime(now),
    };
    const events = insertEvents(store, run, store.meshEpoch, [event], now);
    recordEnd(store, runId, payload, now);
    return { run, events };
  });
  if (stored === undefined) return false;
  core.live.publish(stored.run, stored.events, true);
  core.log.info({ runId, status: end.status, code: end.error?.code }, 'the mesh ended a run');
  return true;
}

/** What the steps that reached the mesh have used: a run that ends without its device keeps its usage. */
function usageSoFar(store: Store, runId: string): { usage: Usage; iterations: number } {
  const sum = { ...NO_USAGE };
  const steps = readEventsOfType(store, runId, 'assistant_message');
  for (const { payload } of steps) {
    const step = usageSchema.safeParse(payload.usage);
    if (!step.success) continue;
    for (const name of Object.keys(sum) as (keyof Usage)[]) sum[name] += step.data[name];
  }
  return { usage: sum, iterations: steps.length };
}
