import type { LanguageModelV3Message, LanguageModelV3Prompt } from '@ai-sdk/provider';
import type { DurablePayload, RunEvent } from '../protocol/events.ts';

type AssistantTurn = {
  role: 'assistant';
  message: DurablePayload<'assistant_message'>;
  calls: DurablePayload<'tool_call'>[];
};
type Turn = { role: 'user' | 'system' | 'told'; text: string } | AssistantTurn;

/**
 * The prompt that a list of events stands for: the same function for a thread's history, a run under way and a run
 * that is being recovered. Every tool call gets a result, since providers refuse a prompt where one is missing: a
 * call that was cut off says so.
 */
export function promptOf(systemPrompt: string, events: readonly RunEvent[]): LanguageModelV3Prompt {
  const { turns, results } = readTurns(events);
  const prompt: LanguageModelV3Prompt =
    systemPrompt === '' ? [] : [{ role: 'system', content: systemPrompt }];
  for (const turn of turns) {
    if (turn.role !== 'assistant') {
      prompt.push(toldMessage(turn));
      continue;
    }
    const said = assistantMessage(turn);
    if (said.content.length > 0) prompt.push(said);
    if (turn.calls.length > 0) {
      prompt.push({
        role: 'tool',
        content: turn.calls.map((call) => resultPart(call, results.get(call.callId))),
      });
    }
  }
  return prompt;
}

function readTurns(events: readonly RunEvent[]) {
  const turns: Turn[] = [];
  const results = new Map<string, DurablePayload<'tool_result'>>();
  for (const event of events) {
    if (event.type === 'user_message') {
      const { role, text } = event.payload;
      turns.push({ role: role === 'assistant' ? 'told' : (role ?? 'user'), text });
    } else if (event.type === 'run_steered') {
      turns.push({ role: 'user', text: event.payload.text });
    } else if (event.type === 'assistant_message') {
      turns.push({ role: 'assistant', message: event.payload, calls: [] });
    } else if (event.type === 'tool_call') {
      const turn = turns.findLast((one) => one.role === 'assistant');
      turn?.calls.push(event.payload);
    } else if (event.type === 'tool_result') {
      results.set(event.payload.callId, event.payload);
    }
  }
  return { turns, results };
}

/** `told` is what a caller put into the assistant's mouth, as `messages[]` of `POST /v1/run` allows. */
function toldMessage(turn: Exclude<Turn, AssistantTurn>): LanguageModelV3Message {
  if (turn.role === 'system') return { role: 'system', content: turn.text };
  const content = [{ type: 'text' as const, text: turn.text }];
  return turn.role === 'told' ? { role: 'assistant', content } : { role: 'user', content };
}

function assistantMessage({ message, calls }: AssistantTurn): LanguageModelV3Message & { role: 'assistant' } {
  const said = message.content.map(({ type, text, providerMetadata }) => ({
    type,
    text,
    ...(providerMetadata && { providerOptions: providerMetadata }),
  }));
  const called = calls.map((call) => ({
    type: 'tool-call' as const,
    toolCallId: call.callId,
    toolName: call.name,
    input: parsedArguments(call.arguments),
    ...(call.providerMetadata && { providerOptions: call.providerMetadata }),
  }));
  return { role: 'assistant', content: [...said, ...called] } as LanguageModelV3Message & {
    role: 'assistant';
  };
}

function resultPart(call: DurablePayload<'tool_call'>, result: DurablePayload<'tool_result'> | undefined) {
  const part = { type: 'tool-result' as const, toolCallId: call.callId, toolName: call.name };
  if (result === undefined) {
    const value = 'This call has no result: the run ended before the call did.';
    return { ...part, output: { type: 'error-text' as const, value } };
  }
  if (result.content === undefined || result.content.length === 0) {
    const type = result.status === 'completed' ? ('text' as const) : ('error-text' as const);
    return { ...part, output: { type, value: result.text } };
  }
  const value = result.content.map((item) =>
    item.type === 'text'
      ? { type: 'text' as const, text: item.text }
      : { type: 'image-data' as const, data: item.data, mediaType: item.mediaType },
  );
  return {
    ...part,
    output: { type: 'content' as const, value: [{ type: 'text' as const, text: result.text }, ...value] },
  };
}

/** Providers want an object; arguments that were no JSON are shown back to the model as it wrote them. */
function parsedArguments(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { value };
  } catch {
    return { unparsable: text };
  }
}
