import type { DeltaKind, RunEvent } from '../protocol/events.ts';

export interface LiveText {
  messageId: string;
  kind: DeltaKind;
  text: string;
}

/**
 * What a run has said live and not yet durably, so that the link can send on from where the mesh stands. A command's
 * output is kept, and told live, up to a bound: the rest stands in its durable result.
 */
export class LiveTexts {
  readonly #texts = new Map<string, LiveText>();

  /** Applies a delta by the reader's rule; `false` when it is beyond the bound and nobody should hear it. */
  apply(delta: { messageId: string; kind: DeltaKind; offset: number; text: string }): boolean {
    const key = `${delta.kind} ${delta.messageId}`;
    const known = this.#texts.get(key)?.text ?? '';
    if (delta.kind === 'tool_output' && delta.offset + delta.text.length > LIVE_OUTPUT_UNITS) return false;
    this.#texts.set(key, {
      messageId: delta.messageId,
      kind: delta.kind,
      text: known.length === delta.offset ? known + delta.text : known.slice(0, delta.offset) + delta.text,
    });
    return true;
  }

  /** Durable events close the live text they stand for. */
  close(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.type === 'assistant_message') {
        this.#texts.delete(`assistant_message ${event.payload.messageId}`);
        this.#texts.delete(`assistant_thinking ${event.payload.messageId}`);
      } else if (event.type === 'tool_result') {
        this.#texts.delete(`tool_output ${event.payload.callId}`);
      }
    }
  }

  list(): LiveText[] {
    return [...this.#texts.values()];
  }
}

/** UTF-16 units of one call's output that are told live. */
const LIVE_OUTPUT_UNITS = 262_144;
