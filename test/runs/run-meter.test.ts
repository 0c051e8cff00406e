import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/protocol/events.ts';
import type { RunLimits } from '../../src/protocol/run-limits.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { RunMeter } from '../../src/runs/run-meter.ts';
import { FakeClock } from '../support/fake-clock.ts';

function aMeter(
  limits: RunLimits,
  { price = undefined as { input: number; output: number } | undefined } = {},
) {
  const clock = new FakeClock();
  const use = { processes: 0, outputBytes: 0, diskBytes: 0 };
  const spent = { activeMs: 500, outputBytes: 10, diskBytes: 20 };
  const meter = new RunMeter({ limits, price, clock, spent, measure: () => use }, 'some/model');
  const watching = meter.watch();
  return {
    clock,
    use,
    meter,
    watching,
    reason: () => (meter.signal.reason as { code?: string } | undefined)?.code,
  };
}

const step = (totalTokens: number, calls: boolean): RunEvent[] => [
  {
    type: 'assistant_message',
    payload: {
      messageId: 'm',
      step: 1,
      text: '',
      content: [],
      finishReason: 'stop',
      model: 'x',
      usage: { ...NO_USAGE, totalTokens, inputTokens: totalTokens },
    },
  },
  ...(calls
    ? [
        {
          type: 'tool_call' as const,
          payload: { callId: 'c', messageId: 'm', step: 1, name: 't', arguments: '' },
        },
      ]
    : []),
];

describe('the meter of a run', () => {
  it('counts the time at work over restarts, and no time in which the machine slept or a person was waited for', async () => {
    const { clock, meter, reason } = aMeter({ wallMs: 3_600 });
    await clock.advance(1_000);
    await clock.advance(1_000);
    expect(meter.spent.activeMs).toBe(2_500);
    let answer: () => void = () => {};
    const answered = meter.waiting(
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    for (let n = 0; n < 60; n += 1) await clock.advance(1_000);
    answer();
    await answered;
    expect([meter.spent.activeMs, reason()]).toEqual([2_500, undefined]);
    await clock.advance(1_000);
    await clock.advance(1_000);
    expect(reason()).toBe('limit_wall_time');
  });

  it.each([
    ['limit_processes', { processes: 5 }, { processes: 6 }],
    ['limit_output', { outputBytes: 100 }, { outputBytes: 90 }],
    ['limit_disk', { diskBytes: 100 }, { diskBytes: 80 }],
  ] as const)('reaches %s with what earlier processes used', async (code, limits, used) => {
    const { clock, use, reason } = aMeter(limits);
    await clock.advance(1_000);
    expect(reason()).toBeUndefined();
    Object.assign(use, used);
    await clock.advance(1_000);
    expect(reason()).toBe(code);
  });

  it('counts what tools are about to write', () => {
    const { meter, reason } = aMeter({ diskBytes: 100 });
    meter.addToolBytes(79);
    expect(reason()).toBeUndefined();
    meter.addToolBytes(1);
    expect(reason()).toBe('limit_disk');
  });

  it('lets an answer that is paid for be given, and starts nothing more', () => {
    const { meter, reason } = aMeter({ tokens: 100 });
    meter.addEvents(step(60, true));
    meter.addEvents(step(60, false));
    expect(reason()).toBeUndefined();
    meter.addEvents([{ type: 'run_steered', payload: { messageId: 's', text: 'more' } }]);
    expect(reason()).toBe('limit_tokens');
  });

  it('counts cost by the model’s price, and refuses a model that has none', () => {
    const { meter, reason } = aMeter({ costUsd: 1 }, { price: { input: 10, output: 1 } });
    meter.addEvents(step(99_000, true));
    expect(reason()).toBeUndefined();
    meter.addEvents(step(1_001, true));
    expect(reason()).toBe('limit_cost');
    expect(() => aMeter({ costUsd: 1 })).toThrow('has no price');
  });
});
