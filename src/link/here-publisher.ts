import type { Journal } from '../journal/journal.ts';
import { listCursors, type RunCursor, recordAck } from '../journal/list-cursors.ts';
import { readEventsAfter } from '../journal/read-events.ts';
import { backoffWindow } from '../kit/backoff.ts';
import type { Clock } from '../kit/clock.ts';
import { isRunmeshError, messageOf, RunmeshError } from '../kit/errors.ts';
import type { Log } from '../kit/log.ts';
import type { Random } from '../kit/random.ts';
import { Wake } from '../kit/wake.ts';
import { LIMITS } from '../protocol/limits.ts';
import { type HttpAccess, publishOverHttp } from './publish-over-http.ts';

export interface HerePublisherOptions {
  journal: Journal;
  clock: Clock;
  random: Random;
  log: Log;
  access: HttpAccess;
  /** The mesh takes no more of the run: it stops here too. */
  forget(runId: string): void;
  say: (doing: string) => void;
}

/** Publishes the runs that this device started itself: their events go to their thread over HTTP, in order. */
export class HerePublisher {
  readonly #options: HerePublisherOptions;
  readonly #wake = new Wake<'committed' | 'acked'>();

  constructor(options: HerePublisherOptions) {
    this.#options = options;
  }

  committed(): void {
    this.#wake.wake('committed');
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, say, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#publishAll(signal);
        failures = 0;
        say('nothing to publish');
        await this.#wake.wait(clock, Number.POSITIVE_INFINITY, signal);
      } catch (error) {
        const { before, after } = backoffWindow(failures, random.unit(), BACKOFF);
        failures += 1;
        log.warn({ reason: messageOf(error) }, 'events could not be published');
        say(`trying again to publish: ${messageOf(error)}`);
        await this.#wake.wait(clock, before + after, signal);
      }
    }
  }

  /** Publishes once, for a process that is about to end. Throws where `run` would try again. */
  finish(): Promise<void> {
    return this.#publishAll();
  }

  /** One run that is not taken, by a proxy that minds what it says perhaps, holds up no other. */
  async #publishAll(signal?: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const cursor of this.#unpublished()) {
      if (signal?.aborted) return;
      await this.#publish(cursor, signal).catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  #unpublished(): RunCursor[] {
    const cursors = listCursors(this.#options.journal);
    return cursors.filter(({ origin, acked, committed }) => origin === 'here' && acked < committed);
  }

  async #publish(cursor: RunCursor, signal?: AbortSignal): Promise<void> {
    const { journal, access, log, forget } = this.#options;
    let { acked } = cursor;
    this.#options.say(`publishing run ${cursor.runId}`);
    while (acked < cursor.committed) {
      const events = readEventsAfter(journal, cursor.runId, acked, BATCH_BYTES);
      let taken: number;
      try {
        taken = await publishOverHttp(access, journal, cursor, events.slice(0, MOST_EVENTS), signal);
      } catch (error) {
        if (!isRunmeshError(error) || error.retryable) throw error;
        log.error({ runId: cursor.runId, reason: messageOf(error) }, 'the mesh takes no more of this run');
        forget(cursor.runId);
        return;
      }
      if (taken <= acked) throw tookNothing(cursor.runId);
      acked = taken;
      recordAck(journal, cursor.runId, acked);
    }
  }
}

/** Asked again at once, a mesh that takes nothing would be asked for ever. */
function tookNothing(runId: string): RunmeshError {
  return new RunmeshError('mesh_error', `The mesh took none of the events of run ${runId}.`, {
    retryable: true,
  });
}

const BACKOFF = { baseMs: LIMITS.backoffBaseMs, maxMs: LIMITS.backoffMaxMs };
const BATCH_BYTES = 1_048_576;
const MOST_EVENTS = 500;
