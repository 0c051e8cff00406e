import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { openJournal } from '../../src/journal/journal.ts';
import { systemRandom } from '../../src/kit/random.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import type { DispatchOrder } from '../../src/protocol/frames.ts';
import { FakeClock } from './fake-clock.ts';
import { tempDir } from './temp.ts';

/** A real journal in a folder of its own; given a path, the journal that is there. */
export function aJournal(path = join(tempDir(), 'journal.db'), clock = new FakeClock()) {
  const journal = openJournal({ path, clock, random: systemRandom, log: pino({ level: 'silent' }) });
  let open = true;
  const close = () => {
    if (open) journal.close();
    open = false;
  };
  onTestFinished(close);
  return { ...journal, path, close };
}

export function anOrder(runId: string, over: Partial<DispatchOrder> = {}): DispatchOrder {
  return {
    runId,
    threadId: `thr_${runId}`,
    rolloutId: 'rol',
    attempt: 1,
    agent: { id: 'agt', slug: 'worker', version: 1, model: 'm', executionMode: 'local-mac' },
    input: [{ role: 'user', content: 'go' }],
    history: [],
    config: {},
    metadata: {},
    deadlineAt: '2030-01-01T00:00:00.000Z',
    ...over,
  };
}

export function said(text: string): RunEvent {
  return { type: 'error', payload: { code: 'test', message: text } };
}
