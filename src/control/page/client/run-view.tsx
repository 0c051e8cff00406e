import { useEffect, useRef, useState } from 'preact/hooks';
import type { LocalRun } from '../../contract.ts';
import { Question } from './question.tsx';
import { Blocks } from './run-blocks.tsx';
import { Text } from './text.tsx';
import { useStory } from './use-story.ts';
import type { ViewProps } from './view-props.ts';
import { formatInstant, STATUS_KIND } from './words.ts';

/** One run: what it did and says, live, and what its owner can say to it. */
export function RunView(props: ViewProps & { runId: string }) {
  const { runId, api, pulse, act } = props;
  const path = `/runs/${encodeURIComponent(runId)}`;
  const { story, failure } = useStory(api, path);
  const run = useRecord(props, path, story.ended);
  const bottom = useFollowing(story.blocks.length, story.ended);
  const question = pulse.questions.find((one) => one.runId === runId);
  const open = run !== undefined && run.endedAt === null && !story.ended;
  return (
    <section aria-labelledby="run">
      <h2 id="run">
        <Text>{run?.agent ?? 'Run'}</Text>{' '}
        {run !== undefined && <span class={`badge ${STATUS_KIND[run.status]}`}>{run.status}</span>}
      </h2>
      <p class="dim">
        <code class="id">
          <Text>{runId}</Text>
        </code>
        {run !== undefined && <> accepted {formatInstant(run.acceptedAt, pulse.at)}</>}
      </p>
      {failure !== undefined && (
        <p class="trouble" role="alert">
          <Text>{failure}</Text>
        </p>
      )}
      <Blocks blocks={story.blocks} />
      {question !== undefined && <Question key={question.approvalId} question={question} {...props} />}
      {open && <Steering path={path} api={api} act={act} />}
      <div ref={bottom} />
    </section>
  );
}

function Steering({ path, api, act }: Pick<ViewProps, 'api' | 'act'> & { path: string }) {
  const [text, setText] = useState('');
  const [sure, setSure] = useState(false);
  const steer = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (text.trim() === '') return;
    const went = await act(
      () => api.post(`${path}/steer`, { text: text.trim() }),
      'The run will hear it before its next step.',
    );
    if (went) setText('');
  };
  const cancel = () => act(() => api.post(`${path}/cancel`), 'The run is being cancelled.');
  return (
    <div class="steering">
      <form class="row" onSubmit={steer}>
        <label for="steer">Say something to this run</label>
        <input
          id="steer"
          value={text}
          maxLength={100_000}
          autocomplete="off"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" disabled={text.trim() === ''}>
          Steer
        </button>
      </form>
      {sure ? (
        <fieldset class="answers">
          <legend class="unseen">Cancel this run?</legend>
          <button type="button" class="no" onClick={cancel}>
            Yes, cancel it
          </button>
          <button type="button" class="quiet" onClick={() => setSure(false)}>
            No, let it go on
          </button>
        </fieldset>
      ) : (
        <div class="answers">
          <button type="button" class="no" onClick={() => setSure(true)}>
            Cancel this run
          </button>
        </div>
      )}
    </div>
  );
}

/** The run's record, anew when it has ended or the device has another number of runs at work. */
function useRecord({ api, pulse }: ViewProps, path: string, ended: boolean): LocalRun | undefined {
  const [run, setRun] = useState<LocalRun>();
  const state = `${pulse.status?.running.length} ${pulse.status?.queued} ${ended}`;
  useEffect(() => {
    api
      .get<LocalRun>(path)
      .then(setRun)
      // The stream says it where the run is not known, and the header where the daemon does not answer.
      .catch(() => {});
  }, [path, state]);
  return run;
}

/** Goes along with what is said, as long as its reader is at the end. */
function useFollowing(length: number, ended: boolean) {
  const bottom = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    const look = () => {
      const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
      atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    };
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  useEffect(() => {
    if (atEnd.current && !ended && length > 0) bottom.current?.scrollIntoView({ block: 'end' });
  });
  return bottom;
}

const NEAR_PX = 80;
