import { appendEvents } from '../journal/append-events.ts';
import { countDeath, deathsAt, wasRunning } from '../journal/count-death.ts';
import { commit } from '../journal/journal.ts';
import { readRunEvents } from '../journal/read-events.ts';
import { type JournaledRun, listUnfinished } from '../journal/read-run.ts';
import { listProcesses, recordProcessEnded } from '../journal/record-process.ts';
import type { RunEvent } from '../protocol/events.ts';
import { endRun } from './end-run.ts';
import type { RunsOptions } from './ports.ts';

/**
 * Reap, then resume: first the commands of the last process that still live are ended, and only then do its runs go
 * on, since a run that resumes beside its own earlier command is the real double run. Answers the runs to go on with,
 * and which of them another death at the same step would end.
 */
export async function recoverRuns(options: RunsOptions): Promise<{ run: JournaledRun; suspect: boolean }[]> {
  const { journal, host, log } = options;
  const processes = listProcesses(journal);
  if (processes.length > 0) {
    log.info({ count: processes.length }, 'ending commands of the last process');
    await host.reap(processes);
    for (const { runId, sessionId } of processes) recordProcessEnded(journal, runId, sessionId);
  }
  return listUnfinished(journal).flatMap((run) => {
    const deaths = countDeaths(run, options);
    if (deaths < options.maxAttempts)
      return [{ run, suspect: deaths > 0 && deaths + 1 === options.maxAttempts }];
    giveUp(run, deaths, options);
    return [];
  });
}

/** Counts the death the run was working at, if it was, and tells the run's readers; answers the deaths at its step. */
function countDeaths({ runId }: JournaledRun, { journal, log, onCommitted }: RunsOptions): number {
  const step = progressOf(readRunEvents(journal, runId));
  if (!wasRunning(journal, runId)) return deathsAt(journal, runId, step);
  const deaths = commit(journal, () => {
    const message = 'The agent on this device was restarted; the run goes on from its last committed step.';
    appendEvents(journal, runId, [{ type: 'error', payload: { code: 'daemon_restarted', message } }]);
    return countDeath(journal, runId, step);
  });
  log.info({ runId, deaths }, 'run recovered');
  onCommitted(runId);
  return deaths;
}

function giveUp({ runId }: JournaledRun, deaths: number, options: RunsOptions): void {
  const message = `The agent on this device died ${deaths} times at the same step of this run, so it was given up.`;
  endRun(options, runId, { status: 'failed', result: null, error: { code: 'poisoned_step', message } });
  options.log.error({ runId, deaths }, 'a run was given up');
  options.onCommitted(runId);
}

/** Grows with each model step and each call's outcome, and with nothing else. */
function progressOf(events: readonly RunEvent[]): number {
  return events.filter((event) => event.type === 'assistant_message' || event.type === 'tool_result').length;
}
