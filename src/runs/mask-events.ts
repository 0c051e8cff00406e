import type { Redactor } from '../guard/redact.ts';
import type { AssistantPart } from '../protocol/content.ts';
import type { RunEvent } from '../protocol/events.ts';

/**
 * Events with the secrets in them masked, whatever their type: every text of a payload but for an image's bytes and what a
 * provider must get back as it said it.
 */
export function maskEvents(redactor: Redactor, events: readonly RunEvent[]): RunEvent[] {
  return events.map((event) =>
    event.type === 'assistant_message'
      ? {
          ...event,
          payload: {
            ...maskDeep(redactor, event.payload),
            content: maskParts(redactor, event.payload.content),
          },
        }
      : maskDeep(redactor, event),
  );
}

/** A value with the secrets in its texts masked. */
export function maskDeep<T>(redactor: Redactor, value: T): T {
  return masked(redactor, value) as T;
}

function masked(redactor: Redactor, value: unknown): unknown {
  if (typeof value === 'string') return redactor.text(value);
  if (Array.isArray(value)) return value.map((item) => masked(redactor, item));
  if (typeof value !== 'object' || value === null) return value;
  const isImage = 'mediaType' in value && 'data' in value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const keeps = name === 'providerMetadata' || (isImage && name === 'data');
      return [name, keeps ? item : masked(redactor, item)];
    }),
  );
}

/**
 * The parts of one kind are one text, so that a secret cut over two of them is masked and they agree with the message's
 * text. A part that was changed loses its provider's signature, which would no longer fit.
 */
function maskParts(redactor: Redactor, parts: readonly AssistantPart[]): AssistantPart[] {
  const joined = (type: AssistantPart['type']) =>
    parts.map((part) => (part.type === type ? part.text : '')).join('');
  const secret = new Set(
    (['text', 'reasoning'] as const).filter((type) => redactor.text(joined(type)) !== joined(type)),
  );
  const streams = { text: redactor.stream(), reasoning: redactor.stream() };
  return parts.map((part, index) => {
    if (!secret.has(part.type)) return part;
    const isLast = !parts.slice(index + 1).some(({ type }) => type === part.type);
    const text = streams[part.type].push(part.text) + (isLast ? streams[part.type].end() : '');
    if (text === part.text) return part;
    return { type: part.type, text };
  });
}
