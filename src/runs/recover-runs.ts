import { iterationsOf, usageOf } from '../agent/usage.ts';
import { appendEvents } from '../journal/append-events.ts';
import { countDeath, wasRunning } from '../journal/count-death.ts';
import { finishRun } from '../journal/finish-run.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { type JournaledRun, listUnfinished } from '../journal/read-run.ts';
import { listProcesses, recordProcessEnded } from '../journal/record-process.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { RunsOptions } from './ports.ts';

/**
 * Reap, then resume: first the commands of the last process that still live are ended, and only then do its runs go
 * on, since a run that resumes beside its own earlier command is the real double run. Answers the runs to go on with.
 */
export async function recoverRuns(options: RunsOptions): Promise<JournaledRun[]> {
  const { journal, host, log } = options;
  const processes = listProcesses(journal);
  if (processes.length > 0) {
    log.info({ count: processes.length }, 'ending commands of the last process');
    await host.reap(processes);
    for (const { runId, sessionId } of processes) recordProcessEnded(journal, runId, sessionId);
  }
  return listUnfinished(journal).filter((run) => goesOn(run, options));
}

function goesOn({ runId }: JournaledRun, options: RunsOptions): boolean {
  const { journal, log, maxAttempts } = options;
  if (!wasRunning(journal, runId)) return true;
  const events = readRunEvents(journal, runId);
  const deaths = countDeath(journal, runId, progressOf(events));
  if (deaths >= maxAttempts) {
    const message = `The agent on this device died ${deaths} times at the same step of this run, so it was given up.`;
    finishRun(journal, runId, {
      status: 'failed',
      result: null,
      usage: usageOf(events),
      iterations: iterationsOf(events),
      error: { code: 'poisoned_step', message },
    });
    log.error({ runId, deaths }, 'a run was given up');
    options.onCommitted(runId);
    return false;
  }
  const message = 'The agent on this device was restarted; the run goes on from its last committed step.';
  appendEvents(journal, runId, [{ type: 'error', payload: { code: 'daemon_restarted', message } }]);
  log.info({ runId, deaths }, 'run recovered');
  options.onCommitted(runId);
  return true;
}

/** Grows with each model step and each call's outcome, and with nothing else. */
function progressOf(events: readonly RunEvent[]): number {
  return events.filter((event) => event.type === 'assistant_message' || event.type === 'tool_result').length;
}
