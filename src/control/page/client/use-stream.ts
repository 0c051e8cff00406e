import { useEffect, useState } from 'preact/hooks';
import { isRunmeshError, messageOf } from '../../../kit/errors.ts';
import type { StreamLine } from '../../contract.ts';
import type { Api } from './api.ts';

/** How to read a stream into something that is drawn. */
export interface Reading {
  /** Where to begin, also after it was cut. */
  path(): string;
  take(line: StreamLine): void;
  /** Nothing more will come. */
  ended(): boolean;
}

/**
 * Reads a stream while the page is in view, and draws at most each tenth of a second: a browser opens six connections to one
 * server, and tabs in the background need none. Answers what went wrong for good.
 */
export function useStream(api: Api, reading: Reading): string | undefined {
  const [, draw] = useState(0);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    setFailure(undefined);
    const over = new AbortController();
    let drawing: ReturnType<typeof setTimeout> | undefined;
    const drawSoon = () => {
      drawing ??= setTimeout(() => {
        drawing = undefined;
        draw((count) => count + 1);
      }, DRAW_MS);
    };
    const read = async (): Promise<void> => {
      while (!over.signal.aborted && !reading.ended()) {
        const hidden = new AbortController();
        const hide = () => document.hidden && hidden.abort();
        document.addEventListener('visibilitychange', hide);
        try {
          const signal = AbortSignal.any([over.signal, hidden.signal]);
          for await (const line of api.stream(reading.path(), signal)) {
            if (line.type === 'error' && line.runSequence === undefined)
              return setFailure(String(line.message));
            reading.take(line);
            drawSoon();
          }
        } catch (error) {
          // The page finds out by itself whether the daemon is gone.
          if (!isRunmeshError(error, 'daemon_unreachable')) return setFailure(messageOf(error));
        } finally {
          document.removeEventListener('visibilitychange', hide);
          drawSoon();
        }
        await untilShown(over.signal);
        await pause(AGAIN_MS);
      }
    };
    read().catch((error) => setFailure(messageOf(error)));
    return () => {
      over.abort();
      clearTimeout(drawing);
    };
  }, [api, reading]);
  return failure;
}

function untilShown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const DRAW_MS = 100;
const AGAIN_MS = 1_000;
