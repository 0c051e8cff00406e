import { type RunEvent, runEvent } from '../protocol/events.ts';

/**
 * A thread's earlier events, as far as this version understands them. They may have been written by another version
 * or another program (`POST /v1/threads/{id}/events` takes any payload); what does not fit is left out, since a prompt
 * without it is better than a run that cannot start.
 */
export function readHistory(history: readonly { type: string; payload: unknown }[]): RunEvent[] {
  return history.flatMap(({ type, payload }) => {
    const read = runEvent.safeParse({ type, payload });
    return read.success ? [read.data] : [];
  });
}
