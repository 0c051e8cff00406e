import { z } from 'zod';
import { hidesSomething, showExactly } from '../../kit/shown-text.ts';
import type { ApprovalOpens } from '../../protocol/approvals.ts';
import { isKnownSafe } from './known-safe.ts';
import { type AlwaysRule, isAllowed, prefixFor } from './prefix.ts';
import { countSegments, simpleWords } from './simple-command.ts';

/** `approvals` in the device's config, as far as a single call is judged by it. */
export interface ApprovalRules {
  /** `never` asks nothing and lets nothing out of the sandbox; `untrusted` asks before all that is not known to only read. */
  policy: 'never' | 'on-request' | 'untrusted';
  allow: readonly AlwaysRule[];
}

/** A call of a model. */
export interface JudgedCall {
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
  /** Whether the tool says that it only reads. */
  repeatable: boolean;
  /** Whether the run's commands are in a sandbox, so that there is something to leave. */
  sandboxed: boolean;
  /** Whether a command that runs under this number is beyond the sandbox. */
  leftSandbox(sessionId: number): boolean;
}

/** What the owner is asked. */
export interface Ask {
  tool: string;
  what: string;
  workdir: string;
  reason: string | null;
  opens: ApprovalOpens;
  prefix: string[] | null;
  /** Whether a yes may hold for the run: for the same words, in the same folder, with the same files. */
  forRun: boolean;
  /** The command's words, where it is of plain ones. */
  words: string[] | undefined;
  /** What the call would use of the machine: the shell, and the text in which files are named. */
  shell: string | null;
  names: string;
}

export type Judgement =
  | { verdict: 'run'; outside: boolean }
  | { verdict: 'refuse'; why: string }
  | { verdict: 'ask'; ask: Ask };

/** Whether a call may run as it is, may not, or is for the owner to decide. */
export function judgeCall(call: JudgedCall, rules: ApprovalRules): Judgement {
  if (call.name === 'exec_command') return judgeCommand(call, rules);
  const typing = call.name === 'write_stdin' ? judgeTyping(call) : 'harmless';
  if (typing !== 'outside' && (rules.policy !== 'untrusted' || !changesSomething(call, typing)))
    return INSIDE;
  return whatIsShown({
    tool: call.name,
    what: showExactly(call.arguments),
    workdir: '.',
    reason: null,
    opens: typing === 'outside' || !call.sandboxed ? 'outside_sandbox' : 'nothing',
    prefix: null,
    words: undefined,
    shell: null,
    names: call.arguments,
  });
}

function judgeCommand(call: JudgedCall, { policy, allow }: ApprovalRules): Judgement {
  const read = commandArguments.safeParse(parsed(call.arguments));
  // The tool refuses such arguments itself, and runs nothing.
  if (!read.success) return INSIDE;
  const {
    cmd,
    workdir,
    shell,
    login,
    with_escalated_permissions: asksOut = false,
    justification,
  } = read.data;
  const outside = asksOut && call.sandboxed;
  if (policy === 'never') {
    return outside ? { verdict: 'refuse', why: NEVER } : INSIDE;
  }
  const opens = outside || !call.sandboxed ? 'outside_sandbox' : 'nothing';
  const words = shell === undefined ? simpleWords(cmd) : undefined;
  if (!outside && (policy === 'on-request' || (words !== undefined && isKnownSafe(words)))) return INSIDE;
  if (isAllowed(words, opens, allow)) return { verdict: 'run', outside };
  if (shell !== undefined && !PLAIN_SHELL.test(shell)) return { verdict: 'refuse', why: ODD_SHELL };
  return whatIsShown({
    tool: call.name,
    // Another shell may be any program: it is part of what is asked, and bound as a file that the call names.
    what:
      shell === undefined
        ? cmd
        : `${shell} ${login === false ? '-c' : '-lc'} '${cmd.replaceAll("'", QUOTED)}'`,
    workdir: workdir ?? '.',
    reason: justification ?? null,
    opens,
    prefix: words === undefined ? null : prefixFor(words, opens),
    words,
    shell: shell ?? null,
    names: shell === undefined ? cmd : `${shell} ${cmd}`,
  });
}

/** Nobody is asked about what they cannot see whole. */
function whatIsShown(call: Omit<Ask, 'forRun'>): Judgement {
  const ask = { ...call, forRun: call.opens === 'nothing' || call.words !== undefined };
  if (hidesSomething(ask.what) || (isCommandTool(ask.tool) && PUSHED_AWAY.test(ask.what)))
    return { verdict: 'refuse', why: HIDDEN };
  if (ask.what.length > MOST_SHOWN_UNITS || countSegments(ask.what) > MOST_SEGMENTS) {
    return { verdict: 'refuse', why: TOO_LONG };
  }
  return { verdict: 'ask', ask: { ...ask, reason: ask.reason === null ? null : showExactly(ask.reason) } };
}

/** Whether the arguments of a tool are done, and not only kept. */
export function isCommandTool(tool: string): boolean {
  return tool === 'exec_command' || tool === 'write_stdin';
}

/** A search on the web tells a stranger what is searched for; typing into a program may do anything. */
function changesSomething(call: JudgedCall, typing: Typing): boolean {
  if (call.name === 'web_search') return true;
  return call.name === 'write_stdin' ? typing !== 'harmless' : !call.repeatable;
}

/**
 * What is typed is a command to whoever reads it: into one that left the sandbox it is asked about as that was. Reading, and the
 * keys that end a program, are harmless.
 */
function judgeTyping(call: JudgedCall): Typing {
  const read = typingArguments.safeParse(parsed(call.arguments));
  if (!read.success || ['', '\u0003', '\u0004'].includes(read.data.chars)) return 'harmless';
  return call.sandboxed && call.leftSandbox(read.data.session_id) ? 'outside' : 'inside';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Those of the tool that matter here; the tool checks them all. */
const commandArguments = z.object({
  cmd: z.string(),
  workdir: z.string().optional(),
  shell: z.string().optional(),
  login: z.boolean().optional(),
  with_escalated_permissions: z.boolean().optional(),
  justification: z.string().optional(),
});

type Typing = 'harmless' | 'inside' | 'outside';
const typingArguments = z.object({ session_id: z.number(), chars: z.string().default('') });

/** A name that reads as one word and is taken as one by `subjectOf`, whatever stands around it. */
const PLAIN_SHELL = /^[A-Za-z0-9_./+-]{1,500}$/;
/** A quote in quotes, as a shell writes it. */
const QUOTED = `'"'"'`;
const INSIDE: Judgement = { verdict: 'run', outside: false };
const NEVER =
  'This device never asks its owner, so nothing runs outside the sandbox. Do without, or say what you would need.';
const ODD_SHELL =
  '`shell` is no plain path (letters, digits and . _ / + - alone), so its owner could not tell it from the command. Nothing was run; leave `shell` out, or name one by a plain path.';
const HIDDEN =
  'The call holds characters that do not show (control, direction, zero width or odd spaces), or many spaces or empty lines in a row, so its owner could not see what it does. Nothing was run; write it plainly.';
const TOO_LONG =
  'The call is too long, or of too many commands, for its owner to judge. Nothing was run; take it apart into steps.';
/** So much nothing that what stands before or after it is off the screen of whoever reads; lines may be set in. */
const PUSHED_AWAY = /\S[ \t]{40}|[ \t]{100}|(?:[ \t]*\n){6}/;
/** What a person reads before saying yes. */
const MOST_SHOWN_UNITS = 10_000;
const MOST_SEGMENTS = 50;
