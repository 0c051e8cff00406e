import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  next,
  type Outcome,
  type RunInput,
  type RunState,
  type StopReason,
} from '../../src/runs/run-state.ts';

type InputName = 'turn' | `stop ${StopReason}` | `returned ${Outcome['kind']}`;
type StateName = 'queued' | 'running' | `stopping ${StopReason}` | 'ended';
/** The state that follows, and the effects' names; `same` for no transition at all. */
type Row = Record<InputName, `${StateName}${'' | ` + ${string}`}` | 'same'>;

const IGNORED = 'same' as const;

const TABLE: Record<StateName, Row> = {
  queued: {
    turn: 'running + start',
    'stop cancel': 'ended + finish cancelled',
    'stop deadline': 'ended + finish failed',
    'stop suspend': IGNORED,
    'returned completed': IGNORED,
    'returned failed': IGNORED,
    'returned suspended': IGNORED,
    'returned stalled': IGNORED,
  },
  running: {
    turn: IGNORED,
    'stop cancel': 'stopping cancel + abort cancel',
    'stop deadline': 'stopping deadline + abort deadline',
    'stop suspend': 'stopping suspend + abort suspend',
    'returned completed': 'ended + finish completed',
    'returned failed': 'ended + finish failed',
    'returned suspended': 'queued',
    'returned stalled': 'queued + wait_for_disk',
  },
  'stopping cancel': {
    turn: IGNORED,
    'stop cancel': IGNORED,
    'stop deadline': IGNORED,
    'stop suspend': IGNORED,
    'returned completed': 'ended + finish completed',
    'returned failed': 'ended + finish cancelled',
    'returned suspended': 'ended + finish cancelled',
    'returned stalled': 'ended + finish cancelled',
  },
  'stopping deadline': {
    turn: IGNORED,
    'stop cancel': IGNORED,
    'stop deadline': IGNORED,
    'stop suspend': IGNORED,
    'returned completed': 'ended + finish completed',
    'returned failed': 'ended + finish failed',
    'returned suspended': 'ended + finish failed',
    'returned stalled': 'ended + finish failed',
  },
  'stopping suspend': {
    turn: IGNORED,
    'stop cancel': 'stopping cancel',
    'stop deadline': 'stopping deadline',
    'stop suspend': 'stopping suspend',
    'returned completed': 'ended + finish completed',
    'returned failed': 'ended + finish failed',
    'returned suspended': 'queued',
    'returned stalled': 'queued + wait_for_disk',
  },
  ended: {
    turn: IGNORED,
    'stop cancel': IGNORED,
    'stop deadline': IGNORED,
    'stop suspend': IGNORED,
    'returned completed': IGNORED,
    'returned failed': IGNORED,
    'returned suspended': IGNORED,
    'returned stalled': IGNORED,
  },
};

const STATES: Record<StateName, RunState> = {
  queued: { at: 'queued' },
  running: { at: 'running' },
  'stopping cancel': { at: 'stopping', why: 'cancel' },
  'stopping deadline': { at: 'stopping', why: 'deadline' },
  'stopping suspend': { at: 'stopping', why: 'suspend' },
  ended: { at: 'ended' },
};

const INPUTS: Record<InputName, RunInput> = {
  turn: { type: 'turn' },
  'stop cancel': { type: 'stop', why: 'cancel' },
  'stop deadline': { type: 'stop', why: 'deadline' },
  'stop suspend': { type: 'stop', why: 'suspend' },
  'returned completed': { type: 'returned', outcome: { kind: 'completed', result: 'r' } },
  'returned failed': {
    type: 'returned',
    outcome: { kind: 'failed', error: { code: 'c', message: 'm' }, result: null },
  },
  'returned suspended': { type: 'returned', outcome: { kind: 'suspended' } },
  'returned stalled': { type: 'returned', outcome: { kind: 'stalled' } },
};

const cells = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([input, expected]) => ({ state, input, expected })),
) as { state: StateName; input: InputName; expected: string }[];

describe('the machine of a run', () => {
  it.each(cells)('in $state, $input: $expected', ({ state, input, expected }) => {
    const before = STATES[state];
    const step = next(before, INPUTS[input]);
    if (expected === IGNORED) {
      expect(step.state).toBe(before);
      expect(step.effects).toEqual([]);
      return;
    }
    expect(describeStep(step)).toBe(expected);
  });

  it('starts one loop at a time and ends once, whatever comes in whatever order (R1, R2, R3)', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.values(INPUTS)), { maxLength: 40 }), (inputs) => {
        let state: RunState = { at: 'queued' };
        let loops = 0;
        let ends = 0;
        for (const input of inputs) {
          // A loop comes back only where there is one.
          if (input.type === 'returned' && loops === 0) continue;
          if (input.type === 'returned') loops -= 1;
          const step = next(state, input);
          state = step.state;
          for (const effect of step.effects) {
            if (effect.type === 'start') loops += 1;
            if (effect.type === 'finish') ends += 1;
          }
          expect(loops).toBeLessThanOrEqual(1);
          expect(ends).toBeLessThanOrEqual(1);
          expect(state.at === 'ended').toBe(ends === 1);
          if (state.at === 'ended') expect(loops).toBe(0);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

function describeStep({ state, effects }: ReturnType<typeof next>): string {
  const name = state.at === 'stopping' ? `stopping ${state.why}` : state.at;
  const words = effects.map((effect) => {
    if (effect.type === 'finish') return `finish ${effect.end.status}`;
    return effect.type === 'abort' ? `abort ${effect.why}` : effect.type;
  });
  return [name, ...words].join(' + ');
}
