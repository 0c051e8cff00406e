import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../src/guard/redact.ts';
import { type AssistantPart, SECRET_MASK } from '../../src/protocol/content.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { type Delta, LiveTexts } from '../../src/runs/live-texts.ts';
import { maskEvents } from '../../src/runs/mask-events.ts';

const SECRET = `ghp_${'abcdefghij'.repeat(3)}123456`;
const redactor = createRedactor([]);

const message = (text: string, content: AssistantPart[] = []): RunEvent =>
  ({
    type: 'assistant_message',
    payload: { messageId: 'm', step: 1, text, content, finishReason: 'stop', model: 'x', usage: NO_USAGE },
  }) as RunEvent;

/** A reader by the protocol's rule. */
function reader() {
  let text = '';
  return {
    hear: (delta: Delta | undefined) => {
      if (delta !== undefined) text = text.slice(0, delta.offset) + delta.text;
      expect(text).not.toContain(SECRET);
    },
    get text() {
      return text;
    },
  };
}

describe('what a run says live', () => {
  it('adds up to its durable text, with a secret masked, wherever the secret is cut', () => {
    const whole = `the key is ${SECRET}, keep it`;
    const durable = `the key is ${SECRET_MASK}, keep it`;
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const texts = new LiveTexts(redactor);
      const heard = reader();
      heard.hear(
        texts.apply({ messageId: 'm', kind: 'assistant_message', offset: 0, text: whole.slice(0, cut) }),
      );
      heard.hear(
        texts.apply({ messageId: 'm', kind: 'assistant_message', offset: cut, text: whole.slice(cut) }),
      );
      const events = maskEvents(redactor, [message(whole)]);
      for (const delta of texts.finish(events)) heard.hear(delta);
      expect(heard.text).toBe(durable);
      expect(events[0]?.payload).toMatchObject({ text: durable });
      expect(texts.list()).toMatchObject([{ text: durable }]);
      texts.close(events);
      expect(texts.list()).toEqual([]);
    }
  });

  it('adds up when a repeated model call takes words back, in the middle of a secret too', () => {
    const part = fc.constantFrom('a word ', SECRET, SECRET.slice(0, 12), SECRET.slice(12), '😀', 's');
    const pieces = fc.array(fc.tuple(part, fc.option(fc.nat(), { freq: 4 })), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(pieces, (told) => {
        const texts = new LiveTexts(redactor);
        const heard = reader();
        let raw = '';
        for (const [text, back] of told) {
          let offset = back === null ? raw.length : back % (raw.length + 1);
          if (/[\udc00-\udfff]/.test(raw.charAt(offset))) offset -= 1;
          raw = raw.slice(0, offset) + text;
          heard.hear(texts.apply({ messageId: 'm', kind: 'assistant_message', offset, text }));
        }
        const events = maskEvents(redactor, [message(raw)]);
        for (const delta of texts.finish(events)) heard.hear(delta);
        expect(events[0]?.payload).toMatchObject({ text: heard.text });
        expect(heard.text).toBe(redactor.text(raw));
      }),
    );
  });

  it('tells no more of a command’s output than it keeps', () => {
    const texts = new LiveTexts(redactor);
    const delta = { messageId: 'c', kind: 'tool_output' as const };
    expect(texts.apply({ ...delta, offset: 0, text: 'x'.repeat(262_144) })).toBeDefined();
    expect(texts.apply({ ...delta, offset: 262_144, text: 'y' })).toBeUndefined();
  });
});

describe('events on their way into the journal', () => {
  it('have the secrets masked in every text, and what a provider and an image need as it was', () => {
    const image = { type: 'image', mediaType: 'image/png', data: SECRET };
    const events = maskEvents(redactor, [
      { type: 'error', payload: { code: 'x', message: `bad key ${SECRET}` } },
      {
        type: 'file_change',
        payload: { callId: 'c', workspace: 'w', path: 'a', kind: 'add', diff: `+${SECRET}` },
      },
      {
        type: 'tool_result',
        payload: {
          callId: 'c',
          name: 't',
          status: 'completed',
          text: SECRET,
          content: [image],
          durationMs: 1,
        },
      } as RunEvent,
      {
        type: 'tool_call',
        payload: {
          callId: 'c',
          messageId: 'm',
          step: 1,
          name: 't',
          arguments: `{"a":"${SECRET}"}`,
          providerMetadata: { google: { s: SECRET } },
        },
      },
    ]);
    expect(events[0]?.payload).toEqual({ code: 'x', message: `bad key ${SECRET_MASK}` });
    expect(events[1]?.payload).toMatchObject({ diff: `+${SECRET_MASK}` });
    expect(events[2]?.payload).toMatchObject({ text: SECRET_MASK, content: [image] });
    expect(events[3]?.payload).toMatchObject({
      arguments: `{"a":"${SECRET_MASK}"}`,
      providerMetadata: { google: { s: SECRET } },
    });
  });

  it('mask a secret that is cut over two parts of a message, and drop only the signatures that no longer fit', () => {
    const signature = { anthropic: { signature: 'signed' } };
    const reasoning = { type: 'reasoning', text: 'all is well, yes', providerMetadata: signature };
    const half = (text: string) => ({ type: 'text', text, providerMetadata: signature });
    const content = [reasoning, half(`it is ${SECRET.slice(0, 20)}`), half(`${SECRET.slice(20)}.`)];
    const [event] = maskEvents(redactor, [message(`it is ${SECRET}.`, content as AssistantPart[])]);
    const payload = event?.payload as { text: string; content: { type: string; text: string }[] };
    expect(payload.content[0]).toEqual(reasoning);
    expect(
      payload.content
        .slice(1)
        .map(({ text }) => text)
        .join(''),
    ).toBe(payload.text);
    expect(JSON.stringify(payload.content.slice(1))).not.toContain('signed');
  });
});
