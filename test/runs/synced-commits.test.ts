import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRedactor } from '../../src/guard/redact.ts';
import { acceptRun } from '../../src/journal/accept-run.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { systemRandom } from '../../src/kit/random.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { executeRun } from '../../src/runs/execute-run.ts';
import { LiveTexts } from '../../src/runs/live-texts.ts';
import type { Tool } from '../../src/tools/tool.ts';
import { aJournal, anOrder } from '../support/journals.ts';
import { openPolicy } from '../support/policies.ts';

/** A journal that says how often the disk was waited for. */
function countingJournal() {
  const journal = aJournal();
  let synced = 0;
  const transaction: Journal['db']['transaction'] = (work, how) => {
    if (how !== 'unsynced' && !journal.db.inTransaction) synced += 1;
    return journal.db.transaction(work, how);
  };
  const db = Object.create(journal.db, { transaction: { value: transaction } }) as Journal['db'];
  return { journal: { ...journal, db }, synced: () => synced };
}

/** A run whose model calls one tool a turn, and then answers. */
async function runOf(tool: Tool, turns: number): Promise<number> {
  const { journal, synced } = countingJournal();
  const order = anOrder('a');
  acceptRun(journal, order, 'dispatched');
  const before = synced();
  let step = 0;
  const outcome = await executeRun({
    journal,
    random: systemRandom,
    host: {
      platform: 'linux',
      models: {
        step: async () => {
          step += 1;
          const calls = step > turns ? [] : [{ callId: `c${step}`, name: tool.name, arguments: '{}' }];
          return { content: [], text: 'done', toolCalls: calls, finishReason: 'stop', usage: NO_USAGE };
        },
      },
      prepare: () => ({
        tools: [tool],
        workspace: { name: 'default', root: '/w', policy: openPolicy('/w') },
      }),
      agentEnvironment: () => ({}),
      limits: () => ({}),
      price: () => undefined,
      measure: () => ({ processes: 0, outputBytes: 0, diskBytes: 0 }),
      leftSandbox: () => false,
      endCommands: async () => {},
      removeFiles: async () => {},
      reap: async () => {},
    },
    redactor: createRedactor([]),
    audit: () => {},
    approvals: { allow: async () => ({ allowed: true, outside: false }) },
    order,
    texts: new LiveTexts(createRedactor([])),
    signal: new AbortController().signal,
    suspended: () => false,
    onCommitted: () => {},
    onSettling: () => {},
    onProgress: () => {},
    onWaiting: () => {},
    onDelta: () => {},
  });
  expect(outcome).toMatchObject({ kind: 'completed' });
  return synced() - before;
}

const tool = (some: Partial<Tool>): Tool => ({
  name: 'work',
  description: 'works',
  input: z.object({}),
  repeatable: false,
  execute: async () => ({ text: 'ok' }),
  ...some,
});

/** Its beginning and its last answer. */
const AROUND = 2;

describe('a turn waits for the disk', () => {
  it('three times with a command: what the model said, that it is let go, what came of it', async () => {
    const command = tool({
      held: true,
      execute: async (_input, { onProcessStarted }) => {
        onProcessStarted(1, { pid: 1, startTime: '1', sid: 1 });
        return { text: 'ok' };
      },
    });
    expect(await runOf(command, 5)).toBe(AROUND + 5 * 3);
  });

  it('three times with a tool that acts at once: its intent is synced before it', async () => {
    expect(await runOf(tool({}), 5)).toBe(AROUND + 5 * 3);
  });

  it('twice with one that only reads', async () => {
    expect(await runOf(tool({ repeatable: true }), 5)).toBe(AROUND + 5 * 2);
  });
});
