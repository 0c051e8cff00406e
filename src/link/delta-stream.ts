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
  /** Whether the message is committed whole. */
  isSaid(runId: string, messageId: string): boolean;
}

/** How far the mesh has been sent a text. */
type Told = Pick<LiveText, 'messageId' | 'kind'> & { offset: number };

/**
 * Sends what runs say live. It keeps no text, only how far each message was sent: whatever came since goes in one frame
 * when it is time, so that a slow mesh costs no memory, and a new connection goes on where the mesh stands.
 */
export class DeltaStream {
  readonly #options: DeltaStreamOptions;
  /** By run; only of what is live or has still to be taken back. */
  readonly #sent = new Map<string, Map<string, Told>>();
  /** Runs with something to send, and the messages of which something was taken back. */
  readonly #waiting = new Map<string, Set<string>>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * `from` is how far the mesh has each message. What it heard of one that is neither live nor committed is of a step that was
   * put down, or that died with its process: nothing else would ever close it.
   */
  constructor(options: DeltaStreamOptions, from: FrameNamed<MeshFrame, 'welcome'>['runs']) {
    this.#options = options;
    for (const { runId, deltas } of from) {
      const live = new Set(options.liveTexts(runId).map(keyOf));
      const left = deltas.filter(
        (told) =>
          !live.has(keyOf(told)) &&
          told.offset > 0 &&
          told.kind !== 'tool_output' &&
          !options.isSaid(runId, told.messageId),
      );
      this.#sent.set(runId, new Map(deltas.map((told) => [keyOf(told), told])));
      this.#waiting.set(runId, new Set(left.map(keyOf)));
    }
    this.#later();
  }

  /** A run said something, or took it back. */
  add(runId: string, { messageId, kind, offset }: Told): void {
    const key = keyOf({ messageId, kind });
    const waiting = this.#waiting.get(runId) ?? new Set();
    const sent = this.#sent.get(runId);
    if (offset < (sent?.get(key)?.offset ?? 0)) {
      sent?.set(key, { messageId, kind, offset });
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
    const live = new Map(this.#options.liveTexts(runId).map((text) => [keyOf(text), text]));
    const sent = this.#sent.get(runId) ?? new Map<string, Told>();
    for (const key of takenBack) {
      const gone = live.has(key) ? undefined : sent.get(key);
      if (gone === undefined) continue;
      const { messageId, kind } = gone;
      this.#options.send({ type: 'delta', runId, messageId, kind, offset: 0, text: '' });
      sent.delete(key);
    }
    for (const [key, { messageId, kind, text }] of live) {
      let offset = Math.min(sent.get(key)?.offset ?? 0, text.length);
      if (offset === text.length && !takenBack.has(key)) continue;
      do {
        const end = endOfPiece(text, offset);
        this.#options.send({ type: 'delta', runId, messageId, kind, offset, text: text.slice(offset, end) });
        offset = end;
      } while (offset < text.length);
      sent.set(key, { messageId, kind, offset });
    }
    this.#sent.set(runId, sent);
  }

  /** Something of the run was committed: what that closed is history. */
  committed(runId: string): void {
    const sent = this.#sent.get(runId);
    if (sent === undefined) return;
    const live = new Set(this.#options.liveTexts(runId).map(keyOf));
    const takenBack = this.#waiting.get(runId);
    for (const key of sent.keys()) if (!live.has(key) && !takenBack?.has(key)) sent.delete(key);
    if (sent.size === 0) this.#sent.delete(runId);
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

function keyOf({ kind, messageId }: Pick<LiveText, 'kind' | 'messageId'>): string {
  return `${kind} ${messageId}`;
}

/** Pieces that fit a frame however they are escaped, cut between characters. */
function endOfPiece(text: string, from: number): number {
  const end = Math.min(text.length, from + PIECE_UNITS);
  const code = text.charCodeAt(end - 1);
  return end < text.length && code >= 0xd800 && code <= 0xdbff ? end - 1 : end;
}

const PIECE_UNITS = 65_536;
