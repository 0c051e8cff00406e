import type { Redactor } from '../guard/redact.ts';
import { runEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import { maskDeep, maskEvents } from './mask-events.ts';

/**
 * An order with the secrets in its texts masked, before anything of it is kept: what its caller said, the agent's own words, the
 * thread's history. An agent's `env` stays as it came, since commands need it after a restart too; and so do the names by which
 * things are chosen.
 */
export function maskOrder(redactor: Redactor, order: DispatchOrder): DispatchOrder {
  const { agent, input, history, metadata } = order;
  const { workspace, sandbox, ...free } = metadata;
  return {
    ...order,
    agent: {
      ...agent,
      ...(agent.name !== undefined && { name: redactor.text(agent.name) }),
      ...(agent.description !== undefined && { description: redactor.text(agent.description) }),
      ...(agent.systemPrompt !== undefined && { systemPrompt: redactor.text(agent.systemPrompt) }),
    },
    input: maskDeep(redactor, input),
    history: history.map((event) => ({ ...event, payload: maskedPayload(redactor, event) })),
    metadata: {
      ...maskDeep(redactor, free),
      ...(workspace !== undefined && { workspace }),
      ...(sandbox !== undefined && { sandbox }),
    },
  };
}

/** Ours by our own rules, so that what a provider signed and was changed loses its signature; any other by its texts. */
function maskedPayload(
  redactor: Redactor,
  { type, payload }: DispatchOrder['history'][number],
): DispatchOrder['history'][number]['payload'] {
  const ours = runEvent.safeParse({ type, payload });
  const [event] = ours.success ? maskEvents(redactor, [ours.data]) : [];
  return (event?.payload ?? maskDeep(redactor, payload)) as DispatchOrder['history'][number]['payload'];
}
