import { useEffect, useState } from 'preact/hooks';
import type { LocalRun } from '../../contract.ts';
import type { Api } from './api.ts';
import { KeptBlock } from './run-blocks.tsx';
import type { Block } from './run-story.ts';
import { useStory } from './use-story.ts';

/** The last that a run at work did or says, as it goes. Of a long run only the end is read. */
export function LiveEnd({ runId, api }: { runId: string; api: Api }) {
  const path = `/runs/${encodeURIComponent(runId)}`;
  const [after, setAfter] = useState<number>();
  useEffect(() => {
    api
      .get<LocalRun>(path)
      .then(({ committed }) => setAfter(Math.max(0, committed - EVENTS)))
      // A run that is gone is gone from the list a second later.
      .catch(() => {});
  }, [path]);
  return after === undefined ? null : <End path={path} after={after} api={api} />;
}

function End({ path, after, api }: { path: string; after: number; api: Api }) {
  const { story } = useStory(api, path, after);
  const first = Math.max(0, story.blocks.length - SHOWN_BLOCKS);
  return (
    <div class="story end">
      {story.blocks.slice(first).map((block, index) => (
        <KeptBlock key={first + index} block={endOf(block)} />
      ))}
    </div>
  );
}

/** What is said last, where there is much. */
function endOf(block: Block): Block {
  if (block.kind === 'said') return { ...block, text: tailOf(block.text) };
  return block.kind === 'call' ? { ...block, output: tailOf(block.output) } : block;
}

function tailOf(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  const tail = lines.slice(-SHOWN_UNITS);
  return tail.length < text.trimEnd().length ? `… ${tail}` : text;
}

const EVENTS = 8;
const SHOWN_BLOCKS = 2;
const SHOWN_LINES = 4;
const SHOWN_UNITS = 500;
