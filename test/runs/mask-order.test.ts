import { expect, it } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import { SECRET_MASK } from '../../src/protocol/content.ts';
import type { ThreadEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { maskOrder } from '../../src/runs/mask-order.ts';
import { anOrder } from '../support/journals.ts';

const SECRET = `ghp_${'s3cr3tS3CR3T'.repeat(3)}`;

const event = (sequence: number, type: string, payload: ThreadEvent['payload']): ThreadEvent => ({
  type,
  runId: 'run_0',
  threadId: 'thr_a',
  rolloutId: 'rol',
  sequence,
  runSequence: sequence,
  payload,
  createdAt: '2026-01-01T00:00:00.000Z',
});

const signed = (text: string) => ({
  messageId: 'm',
  step: 1,
  text,
  content: [{ type: 'reasoning', text, providerMetadata: { x: { signature: 'sig' } } }],
  finishReason: 'stop',
  model: 'm',
  usage: NO_USAGE,
});

it('an order is masked in all its texts, keeps what things are chosen by, and loses the signature of what it changed', () => {
  const order = anOrder('a', {
    metadata: { workspace: 'ghp', sandbox: { mode: 'read-only' }, note: [{ deep: SECRET }] },
    history: [
      event(1, 'assistant_message', signed(`a ${SECRET}`)),
      event(2, 'assistant_message', signed('nothing to hide')),
      event(3, 'of_another_program', { any: { text: SECRET } }),
    ],
  });
  order.agent = { ...order.agent, systemPrompt: `use ${SECRET}`, env: { KEY: SECRET } };
  const masked = maskOrder(createRedactor(['read-only-and-more']), order);
  expect(JSON.stringify({ ...masked, agent: { ...masked.agent, env: {} } })).not.toContain(SECRET);
  expect(masked.agent).toMatchObject({ systemPrompt: `use ${SECRET_MASK}`, env: { KEY: SECRET } });
  expect(masked.metadata).toMatchObject({ workspace: 'ghp', sandbox: { mode: 'read-only' } });
  const [changed, same, other] = masked.history;
  expect(changed?.payload.content).toEqual([{ type: 'reasoning', text: `a ${SECRET_MASK}` }]);
  expect(same).toEqual(order.history[1]);
  expect(other?.payload).toEqual({ any: { text: SECRET_MASK } });
});
