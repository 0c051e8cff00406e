import { backoffWindow } from '../../kit/backoff.ts';
import type { Clock } from '../../kit/clock.ts';
import { isRunmeshError, messageOf, RunmeshError } from '../../kit/errors.ts';
import type { Log } from '../../kit/log.ts';
import type { Random } from '../../kit/random.ts';
import { Wake } from '../../kit/wake.ts';
import { auditAppendAnswer } from '../../protocol/audit.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { readMeshAnswer } from '../mesh-failure.ts';
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

  /** One request; how many records it had. Throws where the mesh took none of them, so that the next try waits. */
  const sendBatch = async (signal?: AbortSignal): Promise<number> => {
    const apiKey = options.apiKey();
    const unsent = apiKey === undefined ? undefined : readUnsent(audit, BATCH);
    if (unsent === undefined) return 0;
    try {
      const headers = { authorization: `Bearer ${apiKey}` };
      const answer = await callMesh(options.mesh, '/v1/runmesh/audit', unsent, headers, signal);
      const { acked } = readMeshAnswer(auditAppendAnswer, answer, options.mesh.url);
      recordMirrored(audit, unsent.epoch, acked);
      if (acked > lastOf(audit.db).n) throw conflict('the mesh has records that are missing here');
      if (acked < (unsent.records[0]?.n ?? 0))
        throw refused('the mesh acknowledged none of what it was sent');
    } catch (error) {
      throw isRunmeshError(error, 'sequence_conflict') ? conflict(messageOf(error)) : error;
    }
    return unsent.records.length;
  };

  /** The mesh keeps what it has; here the record goes on under a new epoch that says why. */
  const conflict = (reason: string): RunmeshError => {
    log.error({ reason }, 'the audit is not as the mesh knows it');
    beginEpoch(audit, random, { reason });
    return refused(reason);
  };

  return {
    /** Something was recorded. */
    wake: () => wake.wake('recorded'),
    run: async (signal: AbortSignal): Promise<void> => {
      let failures = 0;
      while (!signal.aborted) {
        try {
          const sent = await sendBatch(signal);
          failures = 0;
          if (sent === 0) await wake.wait(clock, LOOK_AGAIN_MS, signal);
          // What is recorded while a batch is under way is gathered too, or each would go by itself.
          if (sent < BATCH) await clock.sleep(GATHER_MS, signal);
        } catch (error) {
          log.info({ reason: messageOf(error) }, 'the audit could not be sent');
          const { before, after } = backoffWindow(failures, random.unit(), BACKOFF);
          failures += 1;
          await clock.sleep(before + after, signal);
        }
      }
    },
    /** What is left, in one last try, which ends with `signal`. */
    finish: async (signal?: AbortSignal): Promise<void> => {
      try {
        let left = MOST_LAST_BATCHES;
        while (left > 0 && (await sendBatch(signal)) > 0) left -= 1;
      } catch (error) {
        log.info({ reason: messageOf(error) }, 'the audit waits for the next start');
      }
    },
  };
}

function refused(reason: string): RunmeshError {
  return new RunmeshError('audit_refused', `${reason}; it is tried again later.`);
}

const BATCH = 200;
/** A mesh that takes a record at a time keeps nobody from ending. */
const MOST_LAST_BATCHES = 100;
/** What is recorded within it goes together: each sending is a request here, and a synced commit on the mesh. */
const GATHER_MS = 1_000;
/** Other processes record too, and cannot wake this one. */
const LOOK_AGAIN_MS = 30_000;
const BACKOFF = { baseMs: LIMITS.backoffBaseMs, maxMs: LIMITS.backoffMaxMs };
