import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ApprovalAnswer } from '../../../protocol/approvals.ts';
import type { PendingQuestion } from '../../contract.ts';
import { formatDuration } from '../../words/format.ts';
import { runAddress } from './route.ts';
import { shown, Text } from './text.tsx';
import type { ViewProps } from './view-props.ts';
import { ANSWERED } from './words.ts';

/**
 * What a run asks its owner, whole, with every answer there is. Answers are taken only when the question has stood in its place for a
 * moment: a click meant for another one, or for something else, is not a yes.
 */
export function Question({ question, api, act, pulse }: ViewProps & { question: PendingQuestion }) {
  const { approvalId, runId, agent, tool, what, workdir, reason, opens, prefix, forRun, expiresAt } =
    question;
  const [words, setWords] = useState('');
  const [sending, setSending] = useState(false);
  const settled = useSettled(pulse.questions.map((one) => one.approvalId).join());
  const answer = async (given: ApprovalAnswer): Promise<void> => {
    if (sending) return;
    setSending(true);
    const path = `/approvals/${encodeURIComponent(approvalId)}`;
    const ask = () => {
      if (!settled()) throw new Error('The questions have just changed. Look again, then answer.');
      return api.post(path, given);
    };
    await act(ask, `${ANSWERED[given.decision]}.`);
    setSending(false);
  };
  const outside = opens === 'outside_sandbox';
  return (
    <article class={outside ? 'question outside' : 'question'} aria-label={shown(`${agent} asks`)}>
      <h3>
        <a href={runAddress(runId)}>
          <Text>{agent}</Text>
        </a>{' '}
        asks to run{outside ? ' outside the sandbox, with all that you may do' : ', inside the sandbox'}
      </h3>
      <pre class="what">
        <Text>{tool === 'exec_command' ? what : `${tool} ${what}`}</Text>
      </pre>
      <p>
        in{' '}
        {workdir === '.' ? (
          'the workspace'
        ) : (
          <code>
            <Text>{workdir}</Text>
          </code>
        )}
        {reason !== null && (
          <>
            ; it says: “<Text>{reason}</Text>”
          </>
        )}
      </p>
      <div class="answers">
        <button type="button" onClick={() => answer({ decision: 'once' })}>
          Allow once
        </button>
        {forRun && (
          <button type="button" class="quiet" onClick={() => answer({ decision: 'run' })}>
            Allow for this run
          </button>
        )}
        {prefix !== null && (
          <button type="button" class="quiet" onClick={() => answer({ decision: 'always' })}>
            Always allow{outside ? ' exactly ' : ' '}
            <code>
              <Text>{prefix.join(' ')}</Text>
            </code>
            {outside ? '' : '…'}
          </button>
        )}
        <button type="button" class="no" onClick={() => answer({ decision: 'no' })}>
          Refuse
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (words.trim() !== '') void answer({ decision: 'no', words: words.trim() });
        }}
      >
        <label for={`words-${approvalId}`}>Refuse, and say what to do instead</label>
        <input
          id={`words-${approvalId}`}
          value={words}
          maxLength={10_000}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <button type="submit" class="no" disabled={words.trim() === ''}>
          Refuse with words
        </button>
      </form>
      <p class="dim">
        No answer within {formatDuration(Math.max(0, Date.parse(expiresAt) - pulse.at))} is a no.
      </p>
    </article>
  );
}

/** Whether what is asked has been the same for a moment, counted from before anybody could click on it. */
function useSettled(what: string): () => boolean {
  const changedAt = useRef(0);
  useLayoutEffect(() => {
    changedAt.current = performance.now();
  }, [what]);
  return () => performance.now() - changedAt.current > SETTLED_MS;
}

const SETTLED_MS = 500;
