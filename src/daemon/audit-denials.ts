import type { Clock } from '../kit/clock.ts';
import { isRunmeshError } from '../kit/errors.ts';
import type { Denied } from '../leash/leash-pool.ts';
import type { RecordAudit } from '../protocol/audit.ts';

/**
 * Records connections that the sandbox's proxies refused, each address of a run once a minute at most: a program that tries on
 * must not fill the record, nor keep other runs' out of it. What a full disk has no room for is recorded when it is tried again.
 */
export function auditDenials(audit: RecordAudit, clock: Pick<Clock, 'monotonic'>): (denied: Denied) => void {
  const recorded = new Map<string, { owner: string | undefined; at: number }>();
  return ({ host, port, why, owner }) => {
    const now = clock.monotonic();
    let ofOwner = 0;
    for (const [address, one] of recorded) {
      if (now - one.at >= AGAIN_MS) recorded.delete(address);
      else if (one.owner === owner) ofOwner += 1;
    }
    const address = `${owner} ${host}:${port}`;
    if (recorded.has(address) || ofOwner >= MOST_OF_A_RUN || recorded.size >= MOST_OF_ALL) return;
    try {
      audit(
        'network_denied',
        { host: host.slice(0, MOST_HOST_UNITS), port, why: why.slice(0, MOST_HOST_UNITS) },
        owner,
      );
    } catch (error) {
      // The connection was refused already; nothing waits for its record.
      if (isRunmeshError(error, 'disk_full')) return;
      throw error;
    }
    recorded.set(address, { owner, at: now });
  };
}

const AGAIN_MS = 60_000;
/** Within `AGAIN_MS`. */
const MOST_OF_A_RUN = 100;
const MOST_OF_ALL = 1_000;
/** A name may have 253 letters; what is longer is none. */
const MOST_HOST_UNITS = 300;
