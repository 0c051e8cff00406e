import { backoffWindow } from '../../kit/backoff.ts';
import type { Clock } from '../../kit/clock.ts';
import { isRunmeshError, messageOf } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import type { Random } from '../../kit/random.ts';
import { Wake } from '../../kit/wake.ts';
import { auditAppendAnswer } from '../../protocol/audit.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { callMesh, type MeshHttp } from '../mesh-http.ts';
import { type Audit, beginEpoch, lastOf } from './audit.ts';
import { readUnsent, recordMirrored } from './read-audit.ts';

export interface MirrorOptions {
  audit: Audit;
  mesh: MeshHttp;
  /** `undefined` while the device’s secrets cannot be read; the records wait here. */
  apiKey(): string | undefined;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Keeps the mesh's copy of the audit up to date. What was sent and not acknowledged is sent again, and stored once. */
export function createAuditMirror(options: MirrorOptions) {
  const { audit, clock, random, log } = options;
  const wake = new Wake<'recorded'>();

  const sendOnce = async (): Promise<void> => {
    const apiKey = options.apiKey();
    if (apiKey === undefined) return;
    for (let unsent = readUnsent(audit, BATCH); unsent !== undefined; unsent = readUnsent(audit, BATCH)) {
      try {
        const { acked } = auditAppendAnswer.parse(
          await callMesh(options.mesh, '/v1/runmesh/audit', unsent, {
            authorization: `Bearer ${apiKey}`,
          }),
        );
        recordMirrored(audit, unsent.epoch, acked);
        if (acked > lastOf(audit.db).n) conflict('the mesh has records that are missing here');
      } catch (error) {
        if (!isRunmeshError(error, 'sequence_conflict')) throw error;
        conflict(messageOf(error));
      }
    }
  };

  /** The mesh keeps what it has; here the record goes on under a new epoch that says why. */
  const conflict = (reason: string): void => {
    log.error({ reason }, 'the audit is not as the mesh knows it');
    beginEpoch(audit, random, { reason });
  };

  return {
    /** Something was recorded. */
    wake: () => wake.wake('recorded'),
    run: async (signal: AbortSignal): Promise<void> => {
      let failures = 0;
      while (!signal.aborted) {
        try {
          await sendOnce();
          failures = 0;
          await wake.wait(clock, LOOK_AGAIN_MS, signal);
          await clock.sleep(GATHER_MS, signal);
        } catch (error) {
          log.info({ reason: messageOf(error) }, 'the audit could not be sent');
          const { before, after } = backoffWindow(failures, random.unit(), BACKOFF);
          failures += 1;
          await clock.sleep(before + after, signal);
        }
      }
    },
    /** What is left, in one last try. */
    finish: () =>
      sendOnce().catch((error) =>
        log.info({ reason: messageOf(error) }, 'the audit waits for the next start'),
      ),
  };
}

const BATCH = 200;
/** What is recorded within it goes together: each sending is a request here, and a synced commit on the mesh. */
const GATHER_MS = 1_000;
/** Other processes record too, and cannot wake this one. */
const LOOK_AGAIN_MS = 30_000;
const BACKOFF = { baseMs: LIMITS.backoffBaseMs, maxMs: LIMITS.backoffMaxMs };
