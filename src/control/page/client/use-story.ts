import { useMemo } from 'preact/hooks';
import type { Api } from './api.ts';
import { RunStory } from './run-story.ts';
import { type Reading, useStream } from './use-stream.ts';

/** A run's story, told on as it goes; `after` is the last event that is of no interest. */
export function useStory(
  api: Api,
  path: string,
  after?: number,
): { story: RunStory; failure: string | undefined } {
  const story = useMemo(() => new RunStory(after), [path]);
  const reading = useMemo<Reading>(
    () => ({
      path: () => `${path}/events?after=${story.lastSequence}`,
      take: (line) => story.take(line),
      ended: () => story.ended,
    }),
    [story],
  );
  return { story, failure: useStream(api, reading) };
}
