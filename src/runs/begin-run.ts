import type { Redactor } from '../guard/redact.ts';
import { appendEvents } from '../journal/append-events.ts';
import { markRunning } from '../journal/count-death.ts';
import { commit, type Journal } from '../journal/journal.ts';
import { prefixedId, type Random } from '../kit/random.ts';
import { type InputMessage, textOf } from '../protocol/content.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { maskEvents } from './mask-events.ts';

/** A run's first commit: that it started, and what was said to it. */
export function beginRun(
  {
    journal,
    random,
    redactor,
    order,
  }: { journal: Journal; random: Random; redactor: Redactor; order: DispatchOrder },
  workspace: string,
): RunEvent[] {
  const { agent } = order;
  const started: RunEvent = {
    type: 'run_started',
    payload: {
      agent: agent.slug,
      model: agent.model,
      executionMode: agent.executionMode,
      targetDeviceId: agent.targetDeviceId ?? null,
      workspace,
      attempt: order.attempt,
    },
  };
  const events = maskEvents(redactor, [
    started,
    ...order.input.map((message) => userMessage(random, message)),
  ]);
  commit(journal, () => {
    appendEvents(journal, order.runId, events);
    markRunning(journal, order.runId, true);
  });
  return events;
}

function userMessage(random: Random, message: InputMessage): RunEvent {
  const { role } = message;
  return {
    type: 'user_message',
    payload: {
      messageId: prefixedId(random, 'msg'),
      ...(role !== 'user' && { role }),
      text: textOf(message),
    },
  };
}
