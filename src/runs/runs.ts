import { markRunning } from '../journal/count-death.ts';
import { forgetRun } from '../journal/forget-run.ts';
import { type JournaledRun, readRun } from '../journal/read-run.ts';
import { requestCancel } from '../journal/request-cancel.ts';
import { addSteer } from '../journal/steer-run.ts';
import { isRunmeshError, messageOf } from '../kit/errors.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { acceptOrder } from './accept-order.ts';
import { createApprovals } from './approvals.ts';
import { createDiskWait } from './disk-wait.ts';
import { endRun } from './end-run.ts';
import { executeRun } from './execute-run.ts';
import { LiveTexts } from './live-texts.ts';
import type { OrderResult, Runs, RunsOptions } from './ports.ts';
import { putDown, unlessWordsWait } from './put-down.ts';
import { recoverRuns } from './recover-runs.ts';
import { isPutDown, next, type RunEffect, type RunEnd, type RunInput, type RunState } from './run-state.ts';
import { activeRun, refusedOrder, stateToTell, wordsFor } from './tell-state.ts';
import { chooseTurns } from './turns.ts';
import { watchDeadline } from './watch-deadline.ts';

/** A run in this process: the machine's state, and what stops its loop and its timer. */
interface Entry {
  order: DispatchOrder;
  state: RunState;
  texts: LiveTexts;
  loop: AbortController | undefined;
  deadline: AbortController;
  startedAt: number | undefined;
  forgotten: boolean;
  /** Another death at this step ends the run, so nothing else runs beside it until it got further. */
  suspect: boolean;
}

/** The shell around the machine: takes turns, does the effects, and keeps nothing that a restart must rebuild. */
export function createRuns(options: RunsOptions): Runs {
  const { journal, clock, log, host, pause, redactor } = options;
  /** In the order of their turns. */
  const entries = new Map<string, Entry>();
  const disk = createDiskWait(options, () => takeTurns());
  const approvals = createApprovals(options);
  let idle: (() => void) | undefined;

  const tell = (runId: string, input: RunInput): void => {
    const entry = entries.get(runId);
    if (entry === undefined) return;
    const { state, effects } = next(entry.state, input);
    entry.state = state;
    for (const effect of effects) perform(entry, effect);
  };

  const perform = (entry: Entry, effect: RunEffect): void => {
    if (effect.type === 'start') start(entry);
    else if (effect.type === 'abort') entry.loop?.abort(new Error(effect.why));
    else if (effect.type === 'finish') finish(entry, effect.end);
    // It may be at work again by then, and is not to be marked as put down under its loop.
    else disk.begin(() => entry.loop === undefined && putDown(journal, entry.order.runId));
  };

  const start = (entry: Entry): void => {
    const { runId } = entry.order;
    const loop = new AbortController();
    entry.loop = loop;
    entry.startedAt ??= clock.now();
    runLoop(entry, loop.signal).catch((error) =>
      log.error({ runId, reason: messageOf(error) }, 'a run’s loop broke'),
    );
  };

  const runLoop = async (entry: Entry, signal: AbortSignal): Promise<void> => {
    const { runId } = entry.order;
    const returned = await executeRun({
      journal,
      random: options.random,
      host,
      redactor,
      audit: options.audit,
      approvals,
      order: entry.order,
      texts: entry.texts,
      signal,
      suspended: () => pause.list().includes('draining') || journal.ballast.spent,
      onCommitted: () => options.onCommitted(runId),
      onSettling: () => options.onSettling(runId),
      onProgress: () => clear(entry),
      onWaiting: (waits) => {
        markRunning(journal, runId, !waits);
        if (waits) clear(entry);
        options.onActivity?.();
      },
      onDelta: (delta) => options.onDelta(runId, delta),
    });
    await host.endCommands(runId);
    // From this look to the run's end nothing is awaited: what is said after it is refused.
    const outcome = unlessWordsWait(journal, runId, entry.state, returned);
    if (isPutDown(outcome) && !entry.forgotten) {
      for (const delta of entry.texts.takeBack()) options.onDelta(runId, delta);
      putDown(journal, runId);
    }
    entry.loop = undefined;
    tell(runId, { type: 'returned', outcome });
    takeTurns();
    if (!isPutDown(outcome)) await host.removeFiles(runId);
  };

  /** A run that got further, or that waits for a person, keeps nobody from working beside it. */
  const clear = (entry: Entry): void => {
    if (!entry.suspect) return;
    entry.suspect = false;
    takeTurns();
  };

  const finish = (entry: Entry, { status, result, error }: RunEnd): void => {
    const { runId } = entry.order;
    try {
      if (!entry.forgotten) {
        endRun(options, runId, { status, result, ...(error && { error }) });
        log.info({ runId, status, code: error?.code }, 'run ended');
      }
    } catch (thrown) {
      if (!isRunmeshError(thrown, 'disk_full')) throw thrown;
      log.warn({ runId }, 'a run’s end waits for space on the disk');
      disk.begin(() => finish(entry, { status, result, ...(error && { error }) }));
      return;
    }
    entry.deadline.abort();
    entries.delete(runId);
    options.onCommitted(runId);
    takeTurns();
  };

  const takeTurns = (): void => {
    disk.beginIfSpent();
    const active = [...entries.values()].filter(
      ({ state }) => state.at === 'running' || state.at === 'stopping',
    );
    if (active.length === 0) idle?.();
    options.say(wordsFor(active.length, entries.size - active.length, pause.list()));
    options.onActivity?.();
    if (pause.paused) return;
    const waiting = [...entries.values()].map(({ order, state, suspect }) => ({
      ...order,
      queued: state.at === 'queued',
      alone: suspect,
    }));
    for (const runId of chooseTurns(waiting, options.maxConcurrentRuns)) tell(runId, { type: 'turn' });
  };

  const enter = (run: Pick<JournaledRun, 'order' | 'deadlineAt'>, suspect: boolean): void => {
    const deadline = new AbortController();
    const { order } = run;
    const entry: Entry = {
      order,
      state: { at: 'queued' },
      texts: new LiveTexts(redactor),
      loop: undefined,
      deadline,
      startedAt: undefined,
      forgotten: false,
      suspect,
    };
    entries.set(order.runId, entry);
    const due = () => tell(order.runId, { type: 'stop', why: 'deadline' });
    watchDeadline(clock, run.deadlineAt, deadline.signal, due).catch((error) =>
      log.error({ runId: order.runId, reason: messageOf(error) }, 'a deadline could not be watched'),
    );
  };

  /** Waits until no loop is at work; after `ms` it puts down those that are. */
  const settle = async (ms: number): Promise<void> => {
    const running = () => [...entries.values()].some(({ loop }) => loop !== undefined);
    if (!running()) return;
    const settled = new Promise<void>((resolve) => {
      idle = resolve;
    });
    const timer = new AbortController();
    await Promise.race([settled, clock.sleep(ms, timer.signal)]);
    timer.abort();
    if (!running()) return;
    putAllDown();
    await settled;
  };

  const putAllDown = (): void => {
    for (const runId of entries.keys()) tell(runId, { type: 'stop', why: 'suspend' });
  };

  return {
    start: async () => {
      options.say('recovering runs of the last process');
      for (const { run, suspect } of await recoverRuns(options)) {
        enter(run, suspect);
        if (run.cancelReason !== undefined) tell(run.runId, { type: 'stop', why: 'cancel' });
      }
      takeTurns();
    },

    accept: (order, origin) =>
      acceptOrder(order, origin, options, entries.size, (accepted) => {
        log.info({ runId: order.runId, agent: order.agent.slug }, 'run accepted');
        enter({ order: accepted, deadlineAt: Date.parse(order.deadlineAt) }, false);
        // The answer goes out before the run's first words do.
        queueMicrotask(takeTurns);
      }),

    cancel: (runId, reason): OrderResult => {
      if (!requestCancel(journal, runId, redactor.text(reason))) return refusedOrder(journal, runId);
      tell(runId, { type: 'stop', why: 'cancel' });
      return { status: 'done' };
    },

    steer: (runId, steerId, text): OrderResult => {
      const run = readRun(journal, runId);
      // An end that waits for space on the disk is one already.
      const ended = run?.status !== undefined || entries.get(runId)?.state.at === 'ended';
      if (run === undefined || ended) return refusedOrder(journal, runId);
      addSteer(journal, runId, steerId, redactor.text(text));
      return { status: 'done' };
    },

    forget: (runId) => {
      forgetRun(journal, runId);
      const entry = entries.get(runId);
      if (entry !== undefined) entry.forgotten = true;
      tell(runId, { type: 'stop', why: 'cancel' });
    },

    list: () => [...entries.values()].map((entry) => activeRun(journal, entry)),
    states: () => new Map([...entries].map(([runId, { state }]) => [runId, stateToTell(state)])),
    listApprovals: approvals.list,
    answerApproval: approvals.answer,
    liveTexts: (runId) => entries.get(runId)?.texts.list() ?? [],

    takeTurns,
    putDown: putAllDown,
    drain: async (ms) => {
      pause.add('draining');
      takeTurns();
      await settle(ms);
      for (const { deadline, order, startedAt } of entries.values()) {
        deadline.abort();
        // Once more, where the disk had no space for it.
        if (startedAt !== undefined) putDown(journal, order.runId);
      }
    },
  };
}
