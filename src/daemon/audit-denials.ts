import type { Clock } from '../kit/clock.ts';
import type { Denied } from '../leash/leash-pool.ts';
import type { RecordAudit } from '../protocol/audit.ts';

/**
 * Records connections that the sandbox's proxies refused, each address of a run once a minute at most: a program that tries on
 * must not fill the record.
 */
export function auditDenials(audit: RecordAudit, clock: Pick<Clock, 'monotonic'>): (denied: Denied) => void {
  const recorded = new Map<string, number>();
  return ({ host, port, why, owner }) => {
    const now = clock.monotonic();
    for (const [address, at] of recorded) if (now - at >= AGAIN_MS) recorded.delete(address);
    const address = `${owner} ${host}:${port}`;
    if (recorded.has(address) || recorded.size >= MOST_A_MINUTE) return;
    recorded.set(address, now);
    audit(
      'network_denied',
      { host: host.slice(0, MOST_HOST_UNITS), port, why: why.slice(0, MOST_HOST_UNITS) },
      owner,
    );
  };
}

const AGAIN_MS = 60_000;
const MOST_A_MINUTE = 100;
/** A name may have 253 letters; what is longer is none. */
const MOST_HOST_UNITS = 300;
