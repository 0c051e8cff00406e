import type { RunEvent } from '../protocol/events.ts';
import { LIMITS } from '../protocol/limits.ts';
import { describeTools } from '../tools/registry.ts';
import { promptOf } from './conversation.ts';
import { readHistory } from './history.ts';
import type { AgentEnd, AgentPorts, AgentState } from './ports.ts';
import { openCalls, runCalls } from './run-calls.ts';
import { runStep } from './run-step.ts';
import { systemPromptOf } from './system-prompt.ts';
import { iterationsOf } from './usage.ts';

/**
 * The loop: state in, events out. It holds nothing that a restart would miss: whatever it decides next follows from
 * the run's committed events, so running it again on the same events goes on where they end. It touches neither disk
 * nor network itself; what it commits, it commits through its ports, and only then acts on it.
 */
export async function runAgent(state: AgentState, ports: AgentPorts, signal: AbortSignal): Promise<AgentEnd> {
  const { order } = state;
  const maxTurns = order.config.maxTurns ?? order.agent.maxIterations ?? LIMITS.defaultMaxTurns;
  const earlier = readHistory(order.history);
  const events = [...state.events];
  const system = systemPromptOf(order.agent, {
    workspace: ports.workspace,
    platform: ports.platform,
    hasTools: ports.tools.length > 0,
  });
  const tools = describeTools(ports.tools);
  for (;;) {
    signal.throwIfAborted();
    events.push(...(await runCalls(openCalls(events), ports, signal)));
    if (ports.suspended()) return { finish: 'suspended' };
    events.push(...ports.takeSteers());
    const answer = finalAnswer(events);
    if (answer !== undefined) return { finish: 'completed', result: answer };
    if (iterationsOf(events) >= maxTurns) return { finish: 'max_turns', result: lastText(events), maxTurns };
    const prompt = promptOf(system, [...earlier, ...events]);
    events.push(...(await runStep(order, { prompt, tools }, events, ports, signal)));
  }
}

/** The text of a last message that asked for nothing and was followed by no further words from a person. */
function finalAnswer(events: readonly RunEvent[]): string | undefined {
  const last = events.findLast((event) => CONVERSATION.has(event.type));
  return last?.type === 'assistant_message' ? last.payload.text : undefined;
}

function lastText(events: readonly RunEvent[]): string | null {
  const last = events.findLast((event) => event.type === 'assistant_message' && event.payload.text !== '');
  return last?.type === 'assistant_message' ? last.payload.text : null;
}

const CONVERSATION: ReadonlySet<string> = new Set([
  'user_message',
  'run_steered',
  'assistant_message',
  'tool_call',
  'tool_result',
]);
