import { connectControl } from '../../control/client.ts';
import type { PendingQuestion } from '../../control/contract.ts';
import { formatDuration } from '../../control/words/format.ts';
import type { ApprovalAnswer } from '../../protocol/approvals.ts';
import type { CliContext } from '../context.ts';
import { pathsOf } from '../device-world.ts';
import type { Output } from '../output.ts';
import { cleanLine } from '../render/clean.ts';
import { questionLines } from '../render/question.ts';

/** Shows what runs ask, whole: a yes is to what is shown. */
export async function listApprovalsCommand(context: CliContext, output: Output): Promise<number> {
  const pending = await connectControl(pathsOf(context).socket).listApprovals();
  for (const question of pending) output.tell({ type: 'approval', ...question });
  if (pending.length === 0) output.say('Nothing waits for you.');
  for (const question of pending) for (const line of linesOf(question, context)) output.say(line);
  return 0;
}

export async function answerApprovalCommand(
  context: CliContext,
  output: Output,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<number> {
  await connectControl(pathsOf(context).socket).answerApproval(approvalId, answer);
  output.tell({ type: 'approval_answered', approvalId, ...answer });
  output.say(SAID[answer.decision]);
  return 0;
}

function linesOf(question: PendingQuestion, { clock }: CliContext): string[] {
  const { approvalId, runId, agent, expiresAt } = question;
  const left = formatDuration(Math.max(0, Date.parse(expiresAt) - clock.now()));
  return [
    `${cleanLine(approvalId)}  ${cleanLine(agent)}, run ${cleanLine(runId)}; ${left} left`,
    ...questionLines(question),
    `  runmesh approvals allow ${cleanLine(approvalId)}${question.forRun ? ' [--run]' : ''}${question.prefix === null ? '' : ' [--always]'}   or: deny ${cleanLine(approvalId)}`,
    '',
  ];
}

const SAID = {
  once: 'Allowed, this once.',
  run: 'Allowed, and for the rest of this run (beyond the sandbox: this very command).',
  always: 'Allowed for good; `runmesh config get approvals.allow` lists what is.',
  no: 'Refused; the run was told.',
};
