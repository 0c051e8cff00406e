import type { DeltaKind } from '../protocol/events.ts';
import type { DeviceFrame, FrameNamed, MeshFrame } from '../protocol/frames.ts';
import { LIMITS } from '../protocol/limits.ts';

export interface LiveText {
  messageId: string;
  kind: DeltaKind;
  text: string;
}

export interface DeltaStreamOptions {
  send(frame: FrameNamed<DeviceFrame, 'delta'>): void;
  /** Bytes that wait in the socket: while there are many, deltas merge instead of piling up. */
  bufferedBytes(): number;
  /** What a run has said live so far, whole. */
  liveTexts(runId: string): readonly LiveText[];
}

/**
 * Sends what runs say live. It keeps no text, only how far each message was sent: whatever came since goes in one frame
 * when it is time, so that a slow mesh costs no memory, and a new connection goes on where the mesh stands.
 */
export class DeltaStream {
  readonly #options: DeltaStreamOptions;
  readonly #sent = new Map<string, number>();
  /** Runs with something to send, and the messages of which something was taken back. */
  readonly #waiting = new Map<string, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  /** `from` is how far the mesh has each message. */
  constructor(options: DeltaStreamOptions, from: FrameNamed<MeshFrame, 'welcome'>['runs']) {
    this.#options = options;
    for (const { runId, deltas } of from) {
      for (const { messageId, kind, offset } of deltas) this.#sent.set(keyOf(runId, kind, messageId), offset);
      this.#waiting.set(runId, new Set());
    }
    this.#later();
  }

  /** A run said something. */
  add(runId: string, delta: { messageId: string; kind: DeltaKind; offset: number }): void {
    const key = keyOf(runId, delta.kind, delta.messageId);
    const waiting = this.#waiting.get(runId) ?? new Set();
    if (delta.offset < (this.#sent.get(key) ?? 0)) {
      this.#sent.set(key, delta.offset);
      waiting.add(key);
    }
    this.#waiting.set(runId, waiting);
    this.#later();
  }

  /** Sends what the run has said until now, for the last time before its durable events. */
  flush(runId: string): void {
    const takenBack = this.#waiting.get(runId);
    if (takenBack === undefined) return;
    this.#waiting.delete(runId);
    for (const { messageId, kind, text } of this.#options.liveTexts(runId)) {
      const key = keyOf(runId, kind, messageId);
      let offset = Math.min(this.#sent.get(key) ?? 0, text.length);
      if (offset === text.length && !takenBack.has(key)) continue;
      do {
        const end = endOfPiece(text, offset);
        this.#options.send({ type: 'delta', runId, messageId, kind, offset, text: text.slice(offset, end) });
        offset = end;
      } while (offset < text.length);
      this.#sent.set(key, offset);
    }
  }

  /** The run has ended: its messages are history. */
  forget(runId: string): void {
    this.#waiting.delete(runId);
    for (const key of this.#sent.keys()) if (key.startsWith(`${runId} `)) this.#sent.delete(key);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#options.bufferedBytes() > LIMITS.pendingDeltaBytes) {
        this.#later();
        return;
      }
      for (const runId of [...this.#waiting.keys()]) this.flush(runId);
    }, LIMITS.deltaCoalesceMs);
  }
}

function keyOf(runId: string, kind: DeltaKind, messageId: string): string {
  return `${runId} ${kind} ${messageId}`;
}

/** Pieces that fit a frame however they are escaped, cut between characters. */
function endOfPiece(text: string, from: number): number {
  const end = Math.min(text.length, from + PIECE_UNITS);
  const code = text.charCodeAt(end - 1);
  return end < text.length && code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

const PIECE_UNITS = 65_536;
