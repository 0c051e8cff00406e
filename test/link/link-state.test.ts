import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIRST, type LinkInput, type LinkState, next } from '../../src/link/link-state.ts';
import { CLOSE_CODES } from '../../src/protocol/close-codes.ts';
import { LIMITS } from '../../src/protocol/limits.ts';

const MEMORY = { tries: 3, rest: 100, replacedAt: [], broken: 0 };
const STATES: Record<LinkState['at'], LinkState> = {
  waiting: { at: 'waiting', until: 5_000, memory: MEMORY },
  connecting: { at: 'connecting', memory: MEMORY },
  online: { at: 'online', since: 0, memory: MEMORY },
  stopped: { at: 'stopped', why: 'asked' },
};
const INPUTS: Record<LinkInput['type'], LinkInput> = {
  due: { type: 'due' },
  woke: { type: 'woke' },
  welcomed: { type: 'welcomed' },
  lost: { type: 'lost' },
  stop: { type: 'stop' },
};
const TABLE: Record<LinkState['at'], Record<LinkInput['type'], LinkState['at'] | 'same'>> = {
  waiting: { due: 'connecting', woke: 'connecting', welcomed: 'same', lost: 'same', stop: 'stopped' },
  connecting: { due: 'same', woke: 'same', welcomed: 'online', lost: 'waiting', stop: 'stopped' },
  online: { due: 'same', woke: 'same', welcomed: 'same', lost: 'waiting', stop: 'stopped' },
  stopped: { due: 'same', woke: 'same', welcomed: 'same', lost: 'same', stop: 'same' },
};
const cells = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([input, expected]) => ({ state, input, expected })),
) as { state: LinkState['at']; input: LinkInput['type']; expected: string }[];

const lose = (state: LinkState, loss: { code?: number; retryAfterMs?: number }, now = 1_000, unit = 0.5) =>
  next(state, { type: 'lost', ...loss }, now, unit);
const waitOf = (state: LinkState, now = 1_000) => (state.at === 'waiting' ? state.until - now : Number.NaN);

describe('the machine of the link', () => {
  it.each(cells)('in $state, $input: $expected', ({ state, input, expected }) => {
    const before = STATES[state];
    const after = next(before, INPUTS[input], 1_000, 0.5);
    if (expected === 'same') expect(after).toBe(before);
    else expect(after.at).toBe(expected);
  });

  it('comes again after every code that allows it, and stops for good at every other', () => {
    for (const { code, again } of Object.values(CLOSE_CODES)) {
      expect([code, lose(STATES.online, { code }).at]).toEqual([code, again ? 'waiting' : 'stopped']);
    }
    expect(lose(STATES.online, { code: 4504 })).toEqual({ at: 'stopped', why: 'revoked' });
    expect(lose(STATES.online, { code: 4777 })).toEqual({ at: 'stopped', why: 'auth' });
    expect(lose(STATES.online, { code: 4321 }).at).toBe('waiting');
  });

  it('waits in growing windows, each used up whole before the next begins', () => {
    let state: LinkState = FIRST;
    const waits: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      state = lose(state, {});
      waits.push(waitOf(state));
      state = next(state, { type: 'due' }, 1_000, 0.5);
    }
    // Half of a window before the try, the other half before the next one's.
    expect(waits).toEqual([250, 750, 1_500, 3_000, 6_000, 12_000, 24_000, 46_000, 60_000]);
  });

  it('forgets its failures only after a link that lasted', () => {
    const online: LinkState = { at: 'online', since: 0, memory: { ...MEMORY, tries: 9 } };
    expect(waitOf(lose(online, {}, LIMITS.stableLinkMs), LIMITS.stableLinkMs)).toBe(250);
    expect(waitOf(lose(online, {}, LIMITS.stableLinkMs - 1), LIMITS.stableLinkMs - 1)).toBeGreaterThan(
      20_000,
    );
  });

  it('does as it is asked when the mesh drains, spread out', () => {
    expect(waitOf(lose(STATES.online, { retryAfterMs: 7_000 }))).toBe(7_000 + LIMITS.drainSpreadMs / 2);
    expect(waitOf(lose(STATES.online, { code: CLOSE_CODES.restart.code }))).toBe(LIMITS.drainSpreadMs / 2);
  });

  it('does not play ping-pong with another daemon of its identity', () => {
    let state: LinkState = STATES.online;
    for (const now of [0, 60_000, 120_000]) {
      state = lose(
        { at: 'online', since: 0, memory: 'memory' in state ? state.memory : MEMORY },
        { code: 4009 },
        now,
      );
      if (state.at === 'waiting') {
        expect(waitOf(state, now)).toBeGreaterThanOrEqual(LIMITS.replacedWaitMinMs);
        expect(waitOf(state, now)).toBeLessThanOrEqual(LIMITS.replacedWaitMaxMs);
      }
    }
    expect(state).toEqual({ at: 'stopped', why: 'replaced' });
  });

  it('stops at the third protocol error in a row', () => {
    let state: LinkState = FIRST;
    for (let n = 0; n < 3; n += 1) state = next(lose(state, { code: 4001 }), { type: 'due' }, 1_000, 0.5);
    expect(state).toEqual({ at: 'stopped', why: 'protocol' });
  });

  it('never waits longer than two minutes, whatever happens', () => {
    const code = fc.option(fc.constantFrom(1000, 1006, 1012, 4000, 4001, 4008, 4009, 4010), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(code, fc.double({ min: 0, max: 0.999, noNaN: true }))), (losses) => {
        let state: LinkState = FIRST;
        let now = 0;
        for (const [lost, unit] of losses) {
          state = next(state, { type: 'lost', ...(lost !== undefined && { code: lost }) }, now, unit);
          if (state.at !== 'waiting') return;
          expect(state.until - now).toBeLessThanOrEqual(2 * LIMITS.backoffMaxMs);
          now = state.until;
          state = next(next(state, { type: 'due' }, now, unit), { type: 'welcomed' }, now, unit);
        }
      }),
    );
  });
});
