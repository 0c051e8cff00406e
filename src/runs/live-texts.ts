import type { RedactedStream, Redactor } from '../guard/redact.ts';
import type { DeltaKind, RunEvent } from '../protocol/events.ts';

export interface LiveText {
  messageId: string;
  kind: DeltaKind;
  /** Secrets masked, as everything that leaves here. */
  text: string;
}

export interface Delta extends LiveText {
  offset: number;
}

/** A live text, and what the model or the command really said of it. */
interface Spoken extends LiveText {
  raw: string;
  stream: RedactedStream;
}

/**
 * What a run has said live and not yet durably, so that the link can send on from where the mesh stands. Secrets are
 * masked on the way in, so a delta comes out when it is sure to be none. A command's output is kept, and told live, up to
 * a bound: the rest stands in its durable result.
 */
export class LiveTexts {
  readonly #redactor: Redactor;
  readonly #texts = new Map<string, Spoken>();

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** Applies a delta by the reader's rule; answers what may be told of it, which may be nothing. */
  apply({ messageId, kind, offset, text }: Delta): Delta | undefined {
    const key = keyOf(kind, messageId);
    const spoken = this.#texts.get(key) ?? this.#begin(key, messageId, kind);
    if (kind === 'tool_output' && offset + text.length > LIVE_OUTPUT_UNITS) return undefined;
    if (offset !== spoken.raw.length) return this.#takeBack(spoken, offset, text);
    spoken.raw += text;
    return grown(spoken, spoken.stream.push(text));
  }

  /** The texts that these events will close are over: answers what was held back of them. */
  finish(events: readonly RunEvent[]): Delta[] {
    return events.flatMap((event) =>
      keysClosedBy(event).flatMap((key) => {
        const spoken = this.#texts.get(key);
        const rest = spoken && grown(spoken, spoken.stream.end());
        return rest === undefined ? [] : [rest];
      }),
    );
  }

  /** Durable events close the live text they stand for. */
  close(events: readonly RunEvent[]): void {
    for (const event of events) for (const key of keysClosedBy(event)) this.#texts.delete(key);
  }

  /**
   * A step that is put down is said anew, by another name: lets go what it was saying, and answers what takes that back. A
   * call's output stays, since its result will close it.
   */
  takeBack(): Delta[] {
    const said = this.list().filter(({ kind }) => kind !== 'tool_output');
    for (const { kind, messageId } of said) this.#texts.delete(keyOf(kind, messageId));
    return said.map(({ messageId, kind }) => ({ messageId, kind, offset: 0, text: '' }));
  }

  list(): LiveText[] {
    return [...this.#texts.values()].map(({ messageId, kind, text }) => ({ messageId, kind, text }));
  }

  #begin(key: string, messageId: string, kind: DeltaKind): Spoken {
    const spoken = { messageId, kind, text: '', raw: '', stream: this.#redactor.stream() };
    this.#texts.set(key, spoken);
    return spoken;
  }

  /** What was masked may depend on what is taken back, so the text is read anew; that is rare. */
  #takeBack(spoken: Spoken, offset: number, text: string): Delta | undefined {
    spoken.raw = spoken.raw.slice(0, offset) + text;
    spoken.stream = this.#redactor.stream();
    const now = spoken.stream.push(spoken.raw);
    const same = commonLength(spoken.text, now);
    if (same === spoken.text.length && same === now.length) return undefined;
    spoken.text = now;
    const { messageId, kind } = spoken;
    return { messageId, kind, offset: same, text: now.slice(same) };
  }
}

function grown(spoken: Spoken, text: string): Delta | undefined {
  if (text === '') return undefined;
  const offset = spoken.text.length;
  spoken.text += text;
  return { messageId: spoken.messageId, kind: spoken.kind, offset, text };
}

function keysClosedBy(event: RunEvent): string[] {
  if (event.type === 'tool_result') return [keyOf('tool_output', event.payload.callId)];
  if (event.type !== 'assistant_message') return [];
  const { messageId } = event.payload;
  return [keyOf('assistant_message', messageId), keyOf('assistant_thinking', messageId)];
}

function keyOf(kind: DeltaKind, messageId: string): string {
  return `${kind} ${messageId}`;
}

/** Never ends inside a surrogate pair. */
function commonLength(a: string, b: string): number {
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  const last = a.charCodeAt(at - 1);
  return at > 0 && last >= 0xd800 && last <= 0xdbff ? at - 1 : at;
}

/** UTF-16 units of one call's output that are told live. */
const LIVE_OUTPUT_UNITS = 262_144;
