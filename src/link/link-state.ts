import { backoffWindow } from '../kit/backoff.ts';
import { CLOSE_CODES, closeReasonOf, mayComeAgain } from '../protocol/close-codes.ts';
import { LIMITS } from '../protocol/limits.ts';

/** The link's life as a pure machine; its invariants stand in README.md. Times are monotonic milliseconds. */
export type LinkState =
  | { at: 'waiting'; until: number; memory: Memory }
  | { at: 'connecting'; memory: Memory }
  | { at: 'online'; since: number; memory: Memory }
  | { at: 'stopped'; why: StopReason };

/** What the next wait depends on. */
export interface Memory {
  /** Failed tries since the last link that lasted. */
  tries: number;
  /** The rest of the last try's window. */
  rest: number;
  /** When newer connections of this identity took over. */
  replacedAt: readonly number[];
  /** Protocol errors in a row. */
  broken: number;
}

export type StopReason = 'asked' | 'stranger' | 'auth' | 'revoked' | 'version' | 'protocol' | 'replaced';

export type LinkInput =
  | { type: 'due' }
  /** The machine slept, or its network changed. */
  | { type: 'woke' }
  | { type: 'welcomed' }
  | { type: 'lost'; code?: number; retryAfterMs?: number; stranger?: boolean }
  | { type: 'stop' };

export const FIRST: LinkState = {
  at: 'connecting',
  memory: { tries: 0, rest: 0, replacedAt: [], broken: 0 },
};

/** `unit` is a random number in [0, 1). */
export function next(state: LinkState, input: LinkInput, now: number, unit: number): LinkState {
  if (state.at === 'stopped') return state;
  if (input.type === 'stop') return { at: 'stopped', why: 'asked' };
  const { memory } = state;
  switch (state.at) {
    case 'waiting':
      if (input.type === 'due') return { at: 'connecting', memory };
      if (input.type === 'woke') return { at: 'connecting', memory: { ...memory, tries: 0, rest: 0 } };
      return state;
    case 'connecting':
      if (input.type === 'welcomed') return { at: 'online', since: now, memory };
      return input.type === 'lost' ? afterLoss(memory, input, now, unit) : state;
    case 'online':
      return input.type === 'lost' ? afterLoss(restedMemory(state, now), input, now, unit) : state;
  }
}

/** A link that lasted has the backoff start anew and the protocol errors forgotten. */
function restedMemory({ since, memory }: Extract<LinkState, { at: 'online' }>, now: number): Memory {
  return now - since < LIMITS.stableLinkMs ? memory : { ...memory, tries: 0, rest: 0, broken: 0 };
}

function afterLoss(
  memory: Memory,
  loss: Extract<LinkInput, { type: 'lost' }>,
  now: number,
  unit: number,
): LinkState {
  if (loss.stranger) return { at: 'stopped', why: 'stranger' };
  const reason = loss.code === undefined ? undefined : closeReasonOf(loss.code);
  if (loss.code !== undefined && !mayComeAgain(loss.code)) {
    return { at: 'stopped', why: reason === 'revoked' || reason === 'version' ? reason : 'auth' };
  }
  if (reason === 'replaced') return afterReplaced(memory, now, unit);
  const broken = reason === 'protocol' ? memory.broken + 1 : memory.broken;
  if (broken >= MOST_BROKEN) return { at: 'stopped', why: 'protocol' };
  if (loss.retryAfterMs !== undefined || loss.code === CLOSE_CODES.restart.code) {
    return wait(now, (loss.retryAfterMs ?? 0) + unit * LIMITS.drainSpreadMs, { ...memory, broken });
  }
  const { before, after } = backoffWindow(memory.tries, unit, BACKOFF);
  return wait(now, memory.rest + before, { ...memory, broken, tries: memory.tries + 1, rest: after });
}

/** Two daemons with one identity must not take the link from each other for ever. */
function afterReplaced(memory: Memory, now: number, unit: number): LinkState {
  const replacedAt = [...memory.replacedAt.filter((at) => now - at < LIMITS.replacedWithinMs), now];
  if (replacedAt.length >= LIMITS.replacedTimes) return { at: 'stopped', why: 'replaced' };
  const spread = LIMITS.replacedWaitMaxMs - LIMITS.replacedWaitMinMs;
  return wait(now, LIMITS.replacedWaitMinMs + unit * spread, { ...memory, replacedAt });
}

function wait(now: number, ms: number, memory: Memory): LinkState {
  return { at: 'waiting', until: now + ms, memory };
}

const BACKOFF = { baseMs: LIMITS.backoffBaseMs, maxMs: LIMITS.backoffMaxMs };
const MOST_BROKEN = 3;
