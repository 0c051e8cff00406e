import type { DeltaKind } from '../../protocol/events.ts';
import type { DeviceFrame, FrameNamed } from '../../protocol/frames.ts';

type Delta = FrameNamed<DeviceFrame, 'delta'>;

interface LiveText {
  messageId: string;
  kind: DeltaKind;
  /** UTF-16 units heard so far: where the next delta must start at the latest. */
  length: number;
  /** The text so far; `undefined` once it grew beyond what is worth holding for latecomers. */
  text: string | undefined;
}

/** What is being said in one run and is not durable yet, so that a late caller can be told the beginning. */
export class LiveTexts {
  readonly #texts = new Map<string, LiveText>();
  readonly #closed = new Set<string>();

  /**
   * Takes a delta by the reader's rule. `false`: it starts beyond what was heard, or its message is durable already;
   * the caller passes such a delta over, since the device sends on from what `welcome` told it.
   */
  take(delta: Delta): boolean {
    const key = `${delta.kind} ${delta.messageId}`;
    if (this.#closed.has(delta.messageId)) return false;
    const known = this.#texts.get(key);
    const length = known?.length ?? 0;
    if (delta.offset > length) return false;
    const end = delta.offset + delta.text.length;
    const head = known === undefined ? '' : known.text;
    // Adding to the end keeps the engine's rope; only a rewritten tail pays for a cut.
    const kept = delta.offset === length ? head : head?.slice(0, delta.offset);
    const text = kept === undefined || end > MAX_TEXT_UNITS ? undefined : kept + delta.text;
    if (known === undefined) this.#makeRoom();
    this.#texts.set(key, { messageId: delta.messageId, kind: delta.kind, length: end, text });
    return true;
  }

  /** The durable event of this message or call arrived: its text is no longer live. */
  close(messageId: string): void {
    this.#closed.add(messageId);
    for (const [key, text] of this.#texts) if (text.messageId === messageId) this.#texts.delete(key);
  }

  /** How far each live message is. */
  offsets(): { messageId: string; kind: DeltaKind; offset: number }[] {
    return [...this.#texts.values()].map(({ messageId, kind, length }) => ({
      messageId,
      kind,
      offset: length,
    }));
  }

  /** Each live message from its start, for a caller who heard nothing of it. */
  whole(): { messageId: string; kind: DeltaKind; text: string }[] {
    return [...this.#texts.values()].flatMap(({ messageId, kind, text }) =>
      text === undefined || text === '' ? [] : [{ messageId, kind, text }],
    );
  }

  #makeRoom(): void {
    if (this.#texts.size < MAX_MESSAGES) return;
    const oldest = this.#texts.keys().next();
    if (!oldest.done) this.#texts.delete(oldest.value);
  }
}

/** Two mebi-units hold any answer of a model; a command's output may be longer, and then only its tail is live. */
const MAX_TEXT_UNITS = 2_097_152;
const MAX_MESSAGES = 32;
