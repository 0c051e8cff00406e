import type { Ask, JudgedCall, Judgement } from '../guard/approvals/judge-call.ts';
import type { AlwaysRule } from '../guard/approvals/prefix.ts';
import type { ApprovalRequest } from '../protocol/approvals.ts';

export interface PendingApproval extends ApprovalRequest {
  runId: string;
  agent: string;
}

/** What the owner's device brings to approvals. */
export interface ApprovalPorts {
  judge(call: JudgedCall): Judgement;
  /** `undefined` where a call names more files than an answer can be bound to. */
  subjectOf(ask: Ask, workspace: string): string | undefined;
  readonly timeoutMs: number;
  /** Questions of one run after which the answer is no. */
  readonly mostAsked: number;
  /** Keeps a rule for good. Throws `config_unwritable`. */
  allowAlways(rule: AlwaysRule): void;
  /** Somebody may want to know that a run waits; `over` aborts when it no longer does. */
  onAsked(pending: PendingApproval, over: AbortSignal): void;
}
