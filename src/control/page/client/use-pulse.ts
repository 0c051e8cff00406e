import { useEffect, useRef, useState } from 'preact/hooks';
import { isRunmeshError, messageOf } from '../../../kit/errors.ts';
import type { DaemonStatus, PendingQuestion } from '../../contract.ts';
import type { Api } from './api.ts';

/** What the daemon said of itself the last time it was asked. */
export interface Pulse {
  status: DaemonStatus | undefined;
  questions: readonly PendingQuestion[];
  /** Epoch milliseconds of this look. */
  at: number;
  /** Why the last look found nothing. */
  failure: string | undefined;
  /** Looks at once. */
  look(): void;
}

/**
 * Asks the daemon how it is: each second while the page is in view, each minute while it is not, so that it stays open. A look that fails
 * is tried again, since a machine that wakes breaks what was under way; after too many that nobody answered nobody is there, and what may
 * come to listen there later is not asked. A daemon that answers with a failure is there.
 */
export function usePulse(api: Api, now: () => number, onClosed: () => void): Pulse {
  const [pulse, setPulse] = useState<Omit<Pulse, 'look'>>({
    status: undefined,
    questions: [],
    at: now(),
    failure: undefined,
  });
  const lookNow = useRef(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let looking = false;
    let over = false;
    let misses = 0;
    const look = async (): Promise<void> => {
      if (looking || over) return;
      looking = true;
      clearTimeout(timer);
      try {
        const patience = AbortSignal.timeout(PATIENCE_MS);
        const [status, questions] = await Promise.all([
          api.get<DaemonStatus>('/status', patience),
          api.get<PendingQuestion[]>('/approvals', patience),
        ]);
        misses = 0;
        setPulse({ status, questions, at: now(), failure: undefined });
      } catch (error) {
        const refused = isRefusal(error);
        misses = refused ? 0 : misses + 1;
        over ||= isRunmeshError(error, 'page_closed') || misses >= MOST_MISSES;
        const failure = refused ? messageOf(error) : 'The daemon does not answer; trying again';
        if (over) onClosed();
        else setPulse((before) => ({ ...before, at: now(), failure }));
      }
      looking = false;
      if (!over) timer = setTimeout(look, document.hidden ? HIDDEN_MS : SHOWN_MS);
    };
    lookNow.current = () => void look().catch(() => {});
    document.addEventListener('visibilitychange', lookNow.current);
    lookNow.current();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', lookNow.current);
    };
  }, [api]);
  return { ...pulse, look: () => lookNow.current() };
}

/** Said by the daemon in its own form. Anything else may be somebody else, who listens where it did. */
function isRefusal(error: unknown): boolean {
  return isRunmeshError(error) && error.code !== 'daemon_unreachable' && error.code !== 'bad_answer';
}

const SHOWN_MS = 1_000;
const HIDDEN_MS = 60_000;
const PATIENCE_MS = 10_000;
const MOST_MISSES = 8;
