import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runAgent } from '../../src/agent/agent.ts';
import type { AgentPorts } from '../../src/agent/ports.ts';
import { usageOf } from '../../src/agent/usage.ts';
import type { StepRequest, StepResult } from '../../src/models/step.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import type { DispatchOrder } from '../../src/protocol/frames.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import type { Tool, ToolContext } from '../../src/tools/tool.ts';
import { openPolicy } from '../support/policies.ts';

const ORDER: DispatchOrder = {
  runId: 'run',
  threadId: 'thr',
  rolloutId: 'rol',
  attempt: 1,
  agent: { id: 'agt', slug: 'a', version: 1, model: 'm', executionMode: 'local-mac' },
  input: [{ role: 'user', content: 'go' }],
  history: [],
  config: {},
  metadata: {},
  deadlineAt: '2030-01-01T00:00:00Z',
};
const BEGUN: RunEvent[] = [{ type: 'user_message', payload: { messageId: 'u', text: 'go' } }];

const answer = (text: string, toolCalls: StepResult['toolCalls'] = []): StepResult => ({
  content: [{ type: 'text', text }],
  text,
  toolCalls,
  finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
  usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 2, totalTokens: 12 },
});
const call = (callId: string, name: string, args: unknown = {}) => ({
  callId,
  name,
  arguments: JSON.stringify(args),
});

/** A journal of one run in memory, and tools that write down when they run. */
function house(answers: StepResult[], intents: string[] = []) {
  const log: string[] = [];
  const committed: RunEvent[] = [];
  const requests: StepRequest[] = [];
  const steers: RunEvent[][] = [];
  const tool = (name: string, repeatable: boolean, ms = 0): Tool => ({
    name,
    description: name,
    input: z.object({ n: z.number().optional() }),
    repeatable,
    execute: async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      log.push(`${name} ends`);
      return { text: `${name} ran` };
    },
  });
  let ids = 0;
  const ports: AgentPorts = {
    models: {
      step: async (request) => {
        requests.push(request);
        const next = answers.shift();
        if (next === undefined) throw new Error('asked for more steps than the test has');
        return next;
      },
    },
    tools: [tool('read', true, 20), tool('look', true, 5), tool('write', false)],
    workspace: { name: 'default', root: '/w', policy: openPolicy('/w') },
    platform: 'linux',
    commitStep: (events) => {
      log.push('step');
      committed.push(...events);
      return events;
    },
    commitIntent: ({ callId }) => {
      log.push(`intent ${callId}`);
      intents.push(callId);
    },
    commitOutcome: (callId, events) => {
      log.push(`outcome ${callId}`);
      committed.push(...events);
      return events;
    },
    commitEvents: (events) => {
      committed.push(...events);
      return events;
    },
    argumentsOf: (call) => call.arguments,
    allow: async () => ({ allowed: true, outside: false }),
    takeSteers: () => {
      const taken = steers.shift() ?? [];
      committed.push(...taken);
      return taken;
    },
    onDelta: () => {},
    toolContext: () => ({ signal: new AbortController().signal }) as ToolContext,
    callState: (callId) => (intents.includes(callId) ? 'intent' : 'none'),
    suspended: () => false,
    newId: (prefix) => `${prefix}_${++ids}`,
    monotonic: () => 0,
  };
  const run = (events: RunEvent[] = BEGUN, order = ORDER, signal = new AbortController().signal) =>
    runAgent({ order, events }, ports, signal);
  return { ports, log, committed, requests, steers, run };
}

describe('the agent loop', () => {
  it('goes from question over tools to answer, committing the intent before and the outcome after each call', async () => {
    const { run, log, committed } = house([answer('I will write', [call('c1', 'write')]), answer('done')]);
    expect(await run()).toEqual({ finish: 'completed', result: 'done' });
    expect(log).toEqual(['step', 'intent c1', 'write begins', 'write ends', 'outcome c1', 'step']);
    expect(usageOf(committed)).toMatchObject({ inputTokens: 20, outputTokens: 4, totalTokens: 24 });
  });

  it('runs neighbouring reads together, a writer alone, and reports in the order of the model', async () => {
    const calls = [call('r', 'read'), call('l', 'look'), call('w', 'write')];
    const { run, log } = house([answer('', calls), answer('done')]);
    await run();
    const order = log.filter((line) => !line.startsWith('intent') && line !== 'step');
    expect(order).toEqual([
      'read begins',
      'look begins',
      'look ends',
      'read ends',
      'outcome r',
      'outcome l',
      'write begins',
      'write ends',
      'outcome w',
    ]);
  });

  it('does not run a call again whose outcome nobody knows, and says so to the model', async () => {
    const first = house([answer('', [call('c1', 'write')]), answer('done')]);
    await first.run();
    const cut = first.committed
      .filter((event) => event.type === 'assistant_message' || event.type === 'tool_call')
      .slice(0, 2);
    const second = house([answer('looked')], ['c1']);
    await second.run([...BEGUN, ...cut]);
    expect(second.log).toEqual(['outcome c1', 'step']);
    expect(second.committed[0]).toMatchObject({
      type: 'tool_result',
      payload: { callId: 'c1', status: 'unknown' },
    });
  });

  it('runs a read again after a crash, and a call that had no intent for the first time', async () => {
    const calls = [call('r', 'read'), call('w', 'write')];
    const step: RunEvent[] = [
      {
        type: 'assistant_message',
        payload: {
          messageId: 'm',
          step: 1,
          text: '',
          content: [],
          finishReason: 'tool-calls',
          model: 'm',
          usage: NO_USAGE,
        },
      },
      ...calls.map((one): RunEvent => ({ type: 'tool_call', payload: { ...one, messageId: 'm', step: 1 } })),
    ];
    const { run, log } = house([answer('done')], ['r']);
    await run([...BEGUN, ...step]);
    expect(log).toEqual([
      'read begins',
      'read ends',
      'outcome r',
      'intent w',
      'write begins',
      'write ends',
      'outcome w',
      'step',
    ]);
  });

  it('gives a bad call back to the model as its result: unknown tool, no JSON, wrong field', async () => {
    const calls = [
      call('1', 'nothing_like_it'),
      { callId: '2', name: 'write', arguments: '{"n":' },
      call('3', 'write', { n: 'seven' }),
    ];
    const { run, committed } = house([answer('', calls), answer('sorry')]);
    await run();
    const results = committed.filter((event) => event.type === 'tool_result').map((event) => event.payload);
    expect(results.map((result) => 'status' in result && result.status)).toEqual([
      'failed',
      'failed',
      'failed',
    ]);
    expect(JSON.stringify(results)).toMatch(/nothing_like_it.*JSON.*n/s);
  });

  it('tells apart two calls to which the model gave one id', async () => {
    const { run, committed } = house([
      answer('', [call('same', 'write'), call('same', 'write')]),
      answer('done'),
    ]);
    await run();
    const ids = committed.flatMap((event) => (event.type === 'tool_call' ? [event.payload.callId] : []));
    expect(new Set(ids).size).toBe(2);
  });

  it('answers words that came while it worked before it ends', async () => {
    const { run, steers, requests } = house([answer('first'), answer('second')]);
    steers.push([], [{ type: 'run_steered', payload: { messageId: 's', text: 'and now this' } }]);
    expect(await run()).toEqual({ finish: 'completed', result: 'second' });
    expect(JSON.stringify(requests[1]?.prompt)).toContain('and now this');
  });

  it('stops at the turns it may take, with what it last said', async () => {
    const { run } = house([answer('one', [call('1', 'read')]), answer('two', [call('2', 'read')])]);
    const end = await run(BEGUN, { ...ORDER, config: { maxTurns: 2 } });
    expect(end).toEqual({ finish: 'max_turns', result: 'two', maxTurns: 2 });
  });

  it('asks the model with the config over the agent over nothing', async () => {
    const { run, requests } = house([answer('done')]);
    await run(BEGUN, {
      ...ORDER,
      agent: { ...ORDER.agent, temperature: 1, topP: 0.5, maxTokens: 50 },
      config: { temperature: 0, maxTokens: 9 },
    });
    expect(requests[0]?.sampling).toEqual({ temperature: 0, topP: 0.5, maxOutputTokens: 9 });
    expect(requests[0]?.tools.map((tool) => tool.name)).toEqual(['read', 'look', 'write']);
  });

  it('starts no further call once it is aborted', async () => {
    const abort = new AbortController();
    const { run, log, ports } = house([answer('', [call('1', 'write'), call('2', 'write')])]);
    const commit = ports.commitOutcome;
    ports.commitOutcome = (callId, events) => {
      abort.abort(new Error('stop'));
      return commit(callId, events);
    };
    await expect(run(BEGUN, ORDER, abort.signal)).rejects.toThrow('stop');
    expect(log.filter((line) => line === 'write begins')).toHaveLength(1);
  });
});
