import { formatDuration } from '../../control/words/format.ts';
import { messageOf } from '../../kit/errors.ts';
import {
  type ApprovalAnswer,
  type ApprovalRequest,
  approvalRequested,
  approvalResolved,
} from '../../protocol/approvals.ts';
import type { CliContext } from '../context.ts';
import type { Output } from '../output.ts';
import { questionLines } from '../render/question.ts';
import type { RunFrame } from '../render/run-renderer.ts';

/** Puts a run's questions to the person at the terminal, one after the other. */
export interface OwnerAsker {
  /** Takes the frames of the run: its questions, and that they were answered elsewhere or too late. */
  take(frame: RunFrame): void;
  end(): void;
}

/** `answer` says what became of it, in words, where it did not count. */
export function createOwnerAsker(
  context: CliContext,
  output: Output,
  answer: (approvalId: string, answer: ApprovalAnswer) => Promise<string | undefined>,
): OwnerAsker {
  const open = new Map<string, AbortController>();
  let turn: Promise<void> = Promise.resolve();

  const put = async (question: ApprovalRequest, over: AbortSignal): Promise<void> => {
    if (over.aborted) return;
    const left = formatDuration(Math.max(0, Date.parse(question.expiresAt) - context.clock.now()));
    output.say([output.paint('yellow', 'The run'), ...questionLines(question)].join('\n'));
    const offered = offeredWords(question);
    const prompt = `  Allow it? ${offered.join(', ')}, no, or no and why (${left} left): `;
    for (;;) {
      const typed = await context.askLine(prompt, over);
      if (over.aborted) return output.say('');
      const said = typed === undefined ? NO : readAnswer(typed, offered);
      if (typed === undefined) output.say('');
      if (said === undefined) continue;
      const problem = await answer(question.approvalId, said);
      if (problem !== undefined) output.note(problem);
      return;
    }
  };

  return {
    take: ({ type, payload }) => {
      const question = type === 'approval_requested' ? approvalRequested.safeParse(payload) : undefined;
      if (question?.success) {
        const { data } = question;
        const over = new AbortController();
        open.set(data.approvalId, over);
        turn = turn.then(() => put(data, over.signal)).catch((error) => output.note(messageOf(error)));
      }
      const resolved = type === 'approval_resolved' ? approvalResolved.safeParse(payload) : undefined;
      if (resolved?.success) open.get(resolved.data.approvalId)?.abort();
    },
    end: () => {
      for (const over of open.values()) over.abort();
    },
  };
}

type Yes = Exclude<ApprovalAnswer['decision'], 'no'>;

function offeredWords({ forRun, prefix }: ApprovalRequest): Yes[] {
  return ['once', ...(forRun ? (['run'] as const) : []), ...(prefix === null ? [] : (['always'] as const))];
}

/** What a person typed: nothing but these words is a yes. `undefined` for what is none of them, or was not offered. */
function readAnswer(typed: string, offered: readonly Yes[]): ApprovalAnswer | undefined {
  const text = typed.trim();
  const decision = WORDS.get(text.toLowerCase());
  if (decision === 'no') return { decision };
  if (decision !== undefined) return offered.includes(decision) ? { decision } : undefined;
  const words = /^no?[\s,:.-]+(.+)$/is.exec(text)?.[1];
  return words === undefined ? undefined : { decision: 'no', words: words.slice(0, MOST_WORDS) };
}

const NO: ApprovalAnswer = { decision: 'no' };
const WORDS = new Map<string, ApprovalAnswer['decision']>([
  ['once', 'once'],
  ['yes', 'once'],
  ['y', 'once'],
  ['run', 'run'],
  ['this run', 'run'],
  ['always', 'always'],
  ['no', 'no'],
  ['n', 'no'],
]);
const MOST_WORDS = 10_000;
