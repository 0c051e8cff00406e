import type { LiveDelta, ThreadEvent } from '../../protocol/events.ts';

/** A durable event: its id lets a caller resume after it. */
export function eventFrame(event: ThreadEvent): Buffer {
  const name = event.type.replace(/[\r\n]/g, ' ');
  return Buffer.from(
    `event: ${name}\nid: ${event.runId}:${event.runSequence}\ndata: ${JSON.stringify(event)}\n\n`,
  );
}

/** A live delta has no id: a caller resumes after the durable event before it. */
export function deltaFrame(delta: LiveDelta): Buffer {
  return Buffer.from(`event: ${delta.type}\ndata: ${JSON.stringify(delta)}\n\n`);
}

export function commentFrame(words: string): Buffer {
  return Buffer.from(`: ${words}\n\n`);
}

export function retryFrame(retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`);
}

/** `<runId>:<runSequence>`, as a caller sends it back in `Last-Event-ID`; `undefined` where it is none. */
export function readEventId(id: string): { runId: string; runSequence: number } | undefined {
  const match = /^(.+):(\d{1,15})$/.exec(id);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { runId: match[1], runSequence: Number(match[2]) };
}
