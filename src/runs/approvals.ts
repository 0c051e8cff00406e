import type { Allowed } from '../agent/ports.ts';
import { type Ask, isCommandTool } from '../guard/approvals/judge-call.ts';
import { covers } from '../guard/approvals/prefix.ts';
import { appendEvents } from '../journal/append-events.ts';
import { commit } from '../journal/journal.ts';
import { type ApprovalHistory, listAskingRuns, readApprovals } from '../journal/read-approvals.ts';
import { readRun } from '../journal/read-run.ts';
import { isoTime } from '../kit/clock.ts';
import { isRunmeshError, RunmeshError } from '../kit/errors.ts';
import { prefixedId } from '../kit/random.ts';
import type { ApprovalAnswer, ApprovalRequest, ApprovalResolution } from '../protocol/approvals.ts';
import type { DurablePayload, RunEvent } from '../protocol/events.ts';
import type { DispatchOrder } from '../protocol/frames.ts';
import type { PendingApproval } from './approval-ports.ts';
import { maskDeep, maskEvents } from './mask-events.ts';
import type { OrderResult, RunHost, RunsOptions } from './ports.ts';
import { CHANGED, HOLDS_SECRET, NAMES_TOO_MUCH, REFUSED, TIMED_OUT } from './refusals.ts';

export interface Approvals {
  /** Answers when the call may run, or may not; throws `put_down` when the process is to end while nobody has answered. */
  allow(asked: AskedCall, run: AskingRun): Promise<Allowed>;
  /** A question can be answered once, until it expires. */
  answer(approvalId: string, answer: ApprovalAnswer, by: string, runId?: string): OrderResult;
  list(): PendingApproval[];
}

export interface AskedCall {
  order: DispatchOrder;
  call: DurablePayload<'tool_call'>;
  repeatable: boolean;
  workspace: { root: string; policy: { sandboxed: boolean } };
}

/** The loop that asks. */
export interface AskingRun {
  signal: AbortSignal;
  suspended(): boolean;
  /** It begins to wait for its owner; it has its answer. */
  onWaiting(waits: boolean): void;
}

type ApprovalOptions = Pick<
  RunsOptions,
  'journal' | 'clock' | 'random' | 'redactor' | 'audit' | 'approvals' | 'onCommitted'
> & { host: Pick<RunHost, 'leftSandbox'> };

/**
 * The owner's word on calls. Question and answer are events of the run, so a run that waits survives a restart, and an answer
 * counts once: a call that was allowed and whose intent was not committed may run, one whose intent was committed never asks again.
 */
export function createApprovals(options: ApprovalOptions): Approvals {
  const { journal, clock, random, approvals: ports } = options;
  /** Who waits for an answer in this process, by the question's id. */
  const waiting = new Map<string, () => void>();

  const commitEvent = (runId: string, event: RunEvent): void => {
    appendEvents(journal, runId, maskEvents(options.redactor, [event]));
    options.onCommitted(runId);
  };

  const ask = (runId: string, callId: string, wanted: Ask, subject: string): ApprovalRequest => {
    const { tool, what, workdir, reason, opens, prefix, forRun } = wanted;
    const approvalId = prefixedId(random, 'apr');
    const expiresAt = isoTime(clock.now() + ports.timeoutMs);
    const shown = { tool, what, workdir, reason, opens, prefix, forRun };
    const request = maskDeep(options.redactor, { approvalId, callId, ...shown, subject, expiresAt });
    options.audit('approval_requested', request, runId);
    commitEvent(runId, { type: 'approval_requested', payload: request });
    return request;
  };

  const resolve = (
    runId: string,
    request: ApprovalRequest,
    answer: Omit<ApprovalResolution, 'approvalId' | 'callId'>,
  ) => {
    const { approvalId, callId } = request;
    const { decision, by, words } = answer;
    const payload = { approvalId, callId, decision, by, ...(words !== undefined && { words }) };
    options.audit('approval_resolved', payload, runId);
    commitEvent(runId, { type: 'approval_resolved', payload });
    waiting.get(approvalId)?.();
    return payload;
  };

  const waitFor = async (
    { order: { runId, agent } }: AskedCall,
    request: ApprovalRequest,
    run: AskingRun,
  ): Promise<ApprovalResolution> => {
    const over = new AbortController();
    const answered = new Promise<void>((done) => waiting.set(request.approvalId, done));
    ports.onAsked({ ...request, runId, agent: agent.slug }, over.signal);
    try {
      for (;;) {
        run.signal.throwIfAborted();
        if (run.suspended())
          throw new RunmeshError(PUT_DOWN, 'The run was put down while its owner was asked.');
        const known = resolutionOf(readApprovals(journal, runId), request.approvalId);
        if (known !== undefined) return known;
        const left = Date.parse(request.expiresAt) - clock.now();
        if (left <= 0) return resolve(runId, request, { decision: 'timed_out', by: 'clock' });
        await Promise.race([
          answered,
          clock.sleep(Math.min(left, LOOK_MS), AbortSignal.any([run.signal, over.signal])),
        ]);
      }
    } finally {
      waiting.delete(request.approvalId);
      over.abort();
    }
  };

  return {
    allow: async (asked, run) => {
      const { order, call, repeatable, workspace } = asked;
      const { sandboxed } = workspace.policy;
      const judged = ports.judge({
        name: call.name,
        arguments: call.arguments,
        repeatable,
        sandboxed,
        leftSandbox: (sessionId) => options.host.leftSandbox(order.runId, sessionId),
      });
      if (judged.verdict === 'run') return { allowed: true, outside: judged.outside };
      if (judged.verdict === 'refuse') return { allowed: false, why: judged.why };
      // A question is masked where it is kept, and a command can be written to look like a secret: it would not be seen whole.
      const { what, workdir, opens } = judged.ask;
      const isDone = isCommandTool(call.name) || opens === 'outside_sandbox';
      if (isDone && [what, workdir].some((text) => options.redactor.text(text) !== text))
        return { allowed: false, why: HOLDS_SECRET };
      const outside = sandboxed && opens === 'outside_sandbox';
      const history = readApprovals(journal, order.runId);
      const subject = ports.subjectOf(judged.ask, workspace.root);
      if (subject === undefined) return { allowed: false, why: NAMES_TOO_MUCH };
      const known = history.asked.find(({ callId }) => callId === call.callId);
      if (known === undefined && isGranted(history, judged.ask, subject)) return { allowed: true, outside };
      if (known === undefined && history.asked.length >= ports.mostAsked) {
        return {
          allowed: false,
          why: `The owner was asked ${ports.mostAsked} times in this run, and is not asked again.`,
        };
      }
      const request = known ?? ask(order.runId, call.callId, judged.ask, subject);
      const { decision, words } =
        resolutionOf(history, request.approvalId) ?? (await aside(run, () => waitFor(asked, request, run)));
      if (decision === 'timed_out') return { allowed: false, why: TIMED_OUT };
      if (decision === 'no')
        return { allowed: false, why: words === undefined ? REFUSED : `${REFUSED} They said: ${words}` };
      if (ports.subjectOf(judged.ask, workspace.root) !== request.subject)
        return { allowed: false, why: CHANGED };
      return { allowed: true, outside };
    },

    answer: (approvalId, { decision, words }, by, runId) =>
      commit(journal, () => {
        const found = find(approvalId, runId);
        if (found === undefined)
          return refused('approval_unknown', `No run of this device asks ${approvalId}.`);
        const { request, history } = found;
        const known = resolutionOf(history, approvalId);
        // Said again where the first answer to it was lost on its way.
        if (known?.decision === decision) return { status: 'done' };
        if (known !== undefined) {
          return refused('approval_answered', `${approvalId} was answered already, and one answer counts.`);
        }
        if (Date.parse(request.expiresAt) <= clock.now()) {
          return refused('approval_expired', `${approvalId} came to its end unanswered, which is a no.`);
        }
        if (decision === 'always' && request.prefix === null) {
          return refused(
            'always_not_offered',
            `${approvalId} cannot be allowed for good. Allow it once, or for this run.`,
          );
        }
        if (decision === 'run' && !request.forRun) {
          return refused('run_not_offered', `${approvalId} can be allowed once, and not for its whole run.`);
        }
        if (decision === 'always' && request.prefix !== null) {
          try {
            ports.allowAlways({ prefix: request.prefix, opens: request.opens });
          } catch (error) {
            if (!isRunmeshError(error, 'config_unwritable')) throw error;
            return refused(error.code, error.message);
          }
        }
        resolve(found.runId, request, { decision, by, ...(words !== undefined && { words }) });
        return { status: 'done' };
      }),

    list: () =>
      listAskingRuns(journal).flatMap((runId) => {
        const history = readApprovals(journal, runId);
        const agent = readRun(journal, runId)?.order.agent.slug ?? '';
        return history.asked
          .filter((request) => resolutionOf(history, request.approvalId) === undefined)
          .filter(({ expiresAt }) => Date.parse(expiresAt) > clock.now())
          .map((request) => ({ ...request, runId, agent }));
      }),
  };

  function find(approvalId: string, wanted: string | undefined) {
    for (const runId of listAskingRuns(journal)) {
      if (wanted !== undefined && runId !== wanted) continue;
      const history = readApprovals(journal, runId);
      const request = history.asked.find((one) => one.approvalId === approvalId);
      if (request !== undefined) return { runId, request, history };
    }
    return undefined;
  }
}

/** Whoever waits for a person is not at work: a process that dies meanwhile is not the run's doing. */
async function aside<T>(run: AskingRun, wait: () => Promise<T>): Promise<T> {
  run.onWaiting(true);
  const result = await wait();
  run.onWaiting(false);
  return result;
}

/** Whether an earlier answer of this run holds for this call too. */
function isGranted({ asked, answered }: ApprovalHistory, ask: Ask, subject: string): boolean {
  return asked.some((request) => {
    const given = answered.find(({ approvalId }) => approvalId === request.approvalId)?.decision;
    if (given !== 'run' || request.opens !== ask.opens || request.tool !== ask.tool) return false;
    // Beyond the sandbox the same words may do another thing, in another folder or with a file that the run has changed.
    if (ask.opens === 'outside_sandbox') return request.forRun && ask.forRun && request.subject === subject;
    if (request.prefix === null || ask.words === undefined) return request.subject === subject;
    return covers({ prefix: request.prefix, opens: request.opens }, ask.words);
  });
}

function resolutionOf({ answered }: ApprovalHistory, id: string): ApprovalResolution | undefined {
  return answered.find(({ approvalId }) => approvalId === id);
}

function refused(code: string, message: string): OrderResult {
  return { status: 'refused', code, message };
}

/** Thrown where a run waits for its owner and the process is to end: the question stands, and is asked again. */
export const PUT_DOWN = 'put_down';
const LOOK_MS = 1_000;
