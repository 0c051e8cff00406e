import { describe, expect, it } from 'vitest';
import { promptOf } from '../../src/agent/conversation.ts';
import { readHistory } from '../../src/agent/history.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';

const said = (messageId: string, text: string, step = 1): RunEvent => ({
  type: 'assistant_message',
  payload: {
    messageId,
    step,
    text,
    content: text === '' ? [] : [{ type: 'text', text }],
    finishReason: 'stop',
    model: 'm',
    usage: NO_USAGE,
  },
});
const called = (callId: string, args = '{}'): RunEvent => ({
  type: 'tool_call',
  payload: { callId, messageId: 'msg', step: 1, name: 'read_file', arguments: args },
});
const answered = (callId: string, text: string, status: 'completed' | 'failed' = 'completed'): RunEvent => ({
  type: 'tool_result',
  payload: { callId, name: 'read_file', status, text, durationMs: 1 },
});
const asked = (text: string): RunEvent => ({ type: 'user_message', payload: { messageId: 'u', text } });

describe('the prompt of a list of events', () => {
  it('gives each call its result in the order of the calls, whatever order the results came in', () => {
    const events = [
      asked('go'),
      said('a', 'looking'),
      called('1'),
      called('2'),
      answered('2', 'two'),
      answered('1', 'one'),
    ];
    expect(promptOf('be brief', events)).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: [{ type: 'text', text: 'go' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'looking' },
          { type: 'tool-call', toolCallId: '1', toolName: 'read_file', input: {} },
          { type: 'tool-call', toolCallId: '2', toolName: 'read_file', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: '1',
            toolName: 'read_file',
            output: { type: 'text', value: 'one' },
          },
          {
            type: 'tool-result',
            toolCallId: '2',
            toolName: 'read_file',
            output: { type: 'text', value: 'two' },
          },
        ],
      },
    ]);
  });

  it('tells the model of a call that was cut off, since providers refuse a call without a result', () => {
    const prompt = promptOf('', [asked('go'), said('a', ''), called('1')]);
    const tool = prompt.at(-1);
    expect(tool?.role).toBe('tool');
    expect(JSON.stringify(tool)).toContain('the run ended before the call did');
  });

  it('shows arguments that were no JSON back as they were written', () => {
    const prompt = promptOf('', [said('a', ''), called('1', '{"path": '), answered('1', 'bad', 'failed')]);
    expect(prompt[0]).toMatchObject({ content: [{ input: { unparsable: '{"path": ' } }] });
    expect(prompt[1]).toMatchObject({ content: [{ output: { type: 'error-text', value: 'bad' } }] });
  });

  it('keeps who spoke in messages a caller supplied', () => {
    const prompt = promptOf('', [
      { type: 'user_message', payload: { messageId: '1', role: 'system', text: 's' } },
      { type: 'user_message', payload: { messageId: '2', role: 'assistant', text: 'a' } },
      asked('u'),
    ]);
    expect(prompt.map((message) => message.role)).toEqual(['system', 'assistant', 'user']);
  });

  it('carries signatures back to the provider that made them', () => {
    const providerMetadata = { anthropic: { signature: 'sig' } };
    const event = said('a', 'x');
    if (event.type === 'assistant_message') {
      event.payload.content = [
        { type: 'reasoning', text: 'hm', providerMetadata },
        { type: 'text', text: 'x' },
      ];
    }
    expect(promptOf('', [event])).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm', providerOptions: providerMetadata },
          { type: 'text', text: 'x' },
        ],
      },
    ]);
  });

  it('leaves out of a history what this version does not understand', () => {
    const history = [
      { type: 'user_message', payload: { text: 1 } },
      { type: 'from_the_future', payload: {} },
      asked('kept'),
    ];
    expect(readHistory(history)).toEqual([asked('kept')]);
  });
});
