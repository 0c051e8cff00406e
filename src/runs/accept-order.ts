import { acceptRun, type RunOrigin } from '../journal/accept-run.ts';
import { raiseAttempt } from '../journal/raise-attempt.ts';
import { readRun } from '../journal/read-run.ts';
import { isRunmeshError, messageOf } from '../kit/errors.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { auditAccepted } from './audit-run.ts';
import { maskOrder } from './mask-order.ts';
import type { Accepted, RunsOptions } from './ports.ts';
import { whyRejected } from './why-rejected.ts';

/**
 * Commits a run before it is answered for, without the secrets in it; `onNew` is called for one that was not known. A dispatch seen twice is
 * accepted twice and runs once.
 */
export function acceptOrder(
  order: DispatchOrder,
  origin: RunOrigin,
  {
    journal,
    host,
    pause,
    redactor,
    audit,
  }: Pick<RunsOptions, 'journal' | 'host' | 'pause' | 'redactor' | 'audit'>,
  queued: number,
  onNew: (order: DispatchOrder) => void,
): Accepted {
  const known = readRun(journal, order.runId);
  if (known !== undefined) {
    if (order.attempt >= known.attempt) {
      if (order.attempt > known.attempt) raiseAttempt(journal, order.runId, order.attempt);
      return { accepted: true };
    }
    const message = `attempt ${order.attempt} is older than ${known.attempt}`;
    return { accepted: false, code: 'invalid', message };
  }
  const refusal = whyRejected(order, { host, queued, pause: pause.list() });
  if (refusal !== undefined) return refusal;
  const masked = maskOrder(redactor, order);
  try {
    auditAccepted(audit, masked, origin);
    acceptRun(journal, masked, origin);
  } catch (error) {
    if (!isRunmeshError(error, 'disk_full')) throw error;
    return { accepted: false, code: 'paused', message: messageOf(error) };
  }
  onNew(masked);
  return { accepted: true };
}
