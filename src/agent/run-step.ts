import { RunmeshError } from '../kit/errors.ts';
import type { StepRequest, StepResult } from '../models/step.ts';
import type { RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { AgentPorts } from './ports.ts';
import { iterationsOf } from './usage.ts';

/** One model call, streamed live and then committed whole: what it said, and the calls it asks for. */
export async function runStep(
  order: DispatchOrder,
  { prompt, tools }: Pick<StepRequest, 'prompt' | 'tools'>,
  events: readonly RunEvent[],
  ports: AgentPorts,
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const messageId = ports.newId('msg');
  const result = await ports.models.step(
    {
      model: order.agent.model,
      prompt,
      tools,
      sampling: samplingOf(order),
      signal,
    },
    {
      onText: (offset, text) => ports.onDelta({ messageId, kind: 'assistant_message', offset, text }),
      onThinking: (offset, text) => ports.onDelta({ messageId, kind: 'assistant_thinking', offset, text }),
      onRetry: ({ code, message }) => ports.commitEvents([{ type: 'error', payload: { code, message } }]),
    },
  );
  if (result.finishReason === 'error') {
    throw new RunmeshError(
      'model_error',
      `${order.agent.model} ended its answer with an error. Run it again, or try another model.`,
    );
  }
  const said = stepEvents(
    messageId,
    iterationsOf(events) + 1,
    order.agent.model,
    result,
    callIdsOf(events),
    ports,
  );
  return ports.commitStep(said);
}

function stepEvents(
  messageId: string,
  step: number,
  model: string,
  result: StepResult,
  usedCallIds: Set<string>,
  ports: AgentPorts,
): RunEvent[] {
  const { text, content, finishReason, usage } = result;
  const said: RunEvent = {
    type: 'assistant_message',
    payload: { messageId, step, text, content, finishReason, model, usage },
  };
  const calls = result.toolCalls.slice(0, MOST_CALLS).map((call): RunEvent => {
    // A model that repeats an id would have one call take the other's outcome.
    const callId = usedCallIds.has(call.callId) || call.callId === '' ? ports.newId('call') : call.callId;
    usedCallIds.add(callId);
    const { providerMetadata } = call;
    return {
      type: 'tool_call',
      payload: {
        callId,
        messageId,
        step,
        name: call.name,
        arguments: boundedArguments(call.arguments),
        ...(providerMetadata && { providerMetadata }),
      },
    };
  });
  const left = result.toolCalls.length - calls.length;
  return left === 0 ? [said, ...calls] : [said, ...calls, tooManyCalls(left)];
}

/** Arguments too long to be kept are no JSON any more, so the call is refused and its model told. */
function boundedArguments(text: string): string {
  return text.length <= MOST_ARGUMENT_UNITS ? text : `${text.slice(0, 1_000)}… (${text.length} characters)`;
}

function tooManyCalls(left: number): RunEvent {
  const message = `The model asked for more than ${MOST_CALLS} calls at once; ${left} were left out.`;
  return { type: 'error', payload: { code: 'too_many_calls', message } };
}

function samplingOf({ agent, config }: DispatchOrder) {
  const maxOutputTokens = config.maxTokens ?? agent.maxTokens;
  const temperature = config.temperature ?? agent.temperature;
  const { topP, topK, presencePenalty, frequencyPenalty } = agent;
  return {
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(presencePenalty !== undefined && { presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequencyPenalty }),
  };
}

function callIdsOf(events: readonly RunEvent[]): Set<string> {
  return new Set(events.flatMap((event) => (event.type === 'tool_call' ? [event.payload.callId] : [])));
}

/** More than any model makes in earnest, and each is several commits. */
const MOST_CALLS = 100;
/** Below what one event may have on its way to the mesh, however it is escaped. */
const MOST_ARGUMENT_UNITS = 1_048_576;
