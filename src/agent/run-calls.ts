import { SECRET_MASK } from '../protocol/content.ts';
import type { DurablePayload, RunEvent } from '../protocol/events.ts';
import { executeTool } from '../tools/run-tool.ts';
import type { Tool, ToolOutput } from '../tools/tool.ts';
import type { AgentPorts } from './ports.ts';

export type Call = DurablePayload<'tool_call'>;

/** Calls of the run that have no result yet, in the model's order. */
export function openCalls(events: readonly RunEvent[]): Call[] {
  const answered = new Set<string>();
  const calls: Call[] = [];
  for (const event of events) {
    if (event.type === 'tool_result') answered.add(event.payload.callId);
    else if (event.type === 'tool_call') calls.push(event.payload);
  }
  return calls.filter((call) => !answered.has(call.callId));
}

/**
 * Resolves calls in the model's order. Neighbouring calls that only read run together; one that may change something
 * runs alone. Each is three facts: the intent is committed before it runs, the outcome after.
 */
export async function runCalls(
  calls: readonly Call[],
  ports: AgentPorts,
  signal: AbortSignal,
): Promise<RunEvent[]> {
  const tools = new Map(ports.tools.map((tool) => [tool.name, tool]));
  const events: RunEvent[] = [];
  for (const batch of batches(calls, tools)) {
    signal.throwIfAborted();
    const outcomes = await Promise.all(batch.map((call) => resolveCall(call, tools.get(call.name), ports)));
    for (const [index, outcome] of outcomes.entries()) {
      const call = batch[index];
      if (call === undefined) continue;
      events.push(...ports.commitOutcome(call.callId, outcome));
    }
  }
  return events;
}

function batches(calls: readonly Call[], tools: ReadonlyMap<string, Tool>): Call[][] {
  const groups: Call[][] = [];
  let reading = false;
  for (const call of calls) {
    const reads = tools.get(call.name)?.repeatable ?? false;
    const last = groups.at(-1);
    if (reads && reading && last !== undefined) last.push(call);
    else groups.push([call]);
    reading = reads;
  }
  return groups;
}

async function resolveCall(call: Call, tool: Tool | undefined, ports: AgentPorts): Promise<RunEvent[]> {
  const repeatable = tool?.repeatable ?? false;
  const isNew = ports.callState(call.callId) === 'none';
  if (!isNew && !repeatable) return [resultEvent(call, 'unknown', { text: UNKNOWN_OUTCOME }, 0)];
  const written = ports.argumentsOf(call);
  // What stands for a secret would be written where the secret is.
  if (!repeatable && written.includes(SECRET_MASK))
    return [resultEvent(call, 'failed', { text: MASKED_ARGUMENTS }, 0)];
  const allowed = await ports.allow({ ...call, arguments: written }, repeatable);
  if (!allowed.allowed) return [resultEvent(call, 'denied', { text: allowed.why }, 0)];
  const { callId, name } = call;
  const { outside } = allowed;
  if (isNew) ports.commitIntent({ callId, name, repeatable, held: tool?.held ?? false, written, outside });
  const began = ports.monotonic();
  const output = await executeTool(tool, call.name, written, ports.toolContext(call.callId, allowed));
  const status = output.denied ? 'denied' : output.isError ? 'failed' : 'completed';
  const changes = (output.fileChanges ?? []).map(
    (change): RunEvent => ({
      type: 'file_change',
      payload: { callId: call.callId, workspace: ports.workspace.name, ...change },
    }),
  );
  return [resultEvent(call, status, output, ports.monotonic() - began), ...changes];
}

function resultEvent(
  call: Call,
  status: DurablePayload<'tool_result'>['status'],
  output: ToolOutput,
  durationMs: number,
): RunEvent {
  return {
    type: 'tool_result',
    payload: {
      callId: call.callId,
      name: call.name,
      status,
      text: output.text,
      ...(output.content && { content: output.content }),
      durationMs: Math.round(durationMs),
    },
  };
}

const UNKNOWN_OUTCOME =
  'The outcome of this call is unknown: the agent on this computer was stopped while the call ran, and it was not run again. ' +
  'Look at what it changed before you repeat it.';

const MASKED_ARGUMENTS = `Nothing was run: the arguments hold "${SECRET_MASK}", which stands for a secret that you are not shown. Leave the place where it stands as it is, and change only what is around it.`;
