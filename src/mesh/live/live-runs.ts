import { DELTA_EVENT, type LiveDelta, type ThreadEvent } from '../../protocol/events.ts';
import type { DeviceFrame, FrameNamed } from '../../protocol/frames.ts';
import { LiveTexts } from './live-texts.ts';
import { deltaFrame, eventFrame } from './sse-frames.ts';

/** Somebody who follows a run. Neither call may throw. */
export interface RunListener {
  /** A whole SSE frame, shared by all listeners. */
  send(frame: Buffer): void;
  /** Nothing more comes: the run ended, or the mesh is going down. */
  close(why: 'ended' | 'drained'): void;
}

interface Channel {
  deviceId: string | null;
  texts: LiveTexts;
  listeners: Set<RunListener>;
}

/** The unfinished runs somebody speaks in or listens to: each frame is serialised once, whoever listens. */
export class LiveRuns {
  readonly #channels = new Map<string, Channel>();

  /** The channel's device, or `undefined` where the run has no channel yet. */
  deviceOf(runId: string): string | null | undefined {
    return this.#channels.get(runId)?.deviceId;
  }

  /** Makes sure that an unfinished run has a channel. */
  open(run: { id: string; deviceId: string | null }): void {
    this.#channel(run);
  }

  /**
   * Adds a listener, first telling it the live texts from their start. Whoever replays stored events calls this in the
   * same turn of the event loop as it reads the last of them, so that nothing falls between.
   */
  listen(run: { id: string; deviceId: string | null }, listener: RunListener): () => void {
    const channel = this.#channel(run);
    for (const { kind, messageId, text } of channel.texts.whole()) {
      listener.send(deltaFrame({ type: DELTA_EVENT[kind], runId: run.id, messageId, offset: 0, text }));
    }
    channel.listeners.add(listener);
    return () => channel.listeners.delete(listener);
  }

  /** Tells stored events. `ended`: the last of them is the run's end, and its channel closes behind it. */
  publish(
    run: { id: string; deviceId: string | null },
    events: readonly ThreadEvent[],
    ended: boolean,
  ): void {
    const channel = this.#channel(run);
    for (const event of events) {
      const durableOf = event.type === 'tool_result' ? event.payload.callId : event.payload.messageId;
      if (CLOSING_TYPES.has(event.type) && typeof durableOf === 'string') channel.texts.close(durableOf);
      if (channel.listeners.size > 0) sendAll(channel, eventFrame(event));
    }
    if (ended) this.#close(run.id, channel, 'ended');
  }

  /** Passes a delta on; one that does not continue what was heard is passed over. */
  delta(delta: FrameNamed<DeviceFrame, 'delta'>): void {
    const channel = this.#channels.get(delta.runId);
    if (channel === undefined || !channel.texts.take(delta) || channel.listeners.size === 0) return;
    const { runId, messageId, offset, text } = delta;
    const live: LiveDelta = { type: DELTA_EVENT[delta.kind], runId, messageId, offset, text };
    sendAll(channel, deltaFrame(live));
  }

  offsets(runId: string): ReturnType<LiveTexts['offsets']> {
    return this.#channels.get(runId)?.texts.offsets() ?? [];
  }

  /** The same frame to everybody who listens to anything. */
  broadcast(frame: Buffer): void {
    for (const channel of this.#channels.values()) sendAll(channel, frame);
  }

  close(): void {
    for (const [runId, channel] of this.#channels) this.#close(runId, channel, 'drained');
  }

  #channel(run: { id: string; deviceId: string | null }): Channel {
    const known = this.#channels.get(run.id);
    if (known !== undefined) return known;
    const channel = { deviceId: run.deviceId, texts: new LiveTexts(), listeners: new Set<RunListener>() };
    this.#channels.set(run.id, channel);
    return channel;
  }

  #close(runId: string, channel: Channel, why: 'ended' | 'drained'): void {
    this.#channels.delete(runId);
    for (const listener of channel.listeners) listener.close(why);
  }
}

function sendAll(channel: Channel, frame: Buffer): void {
  for (const listener of channel.listeners) listener.send(frame);
}

const CLOSING_TYPES: ReadonlySet<string> = new Set(['assistant_message', 'tool_result']);
