import { showExactly } from '../kit/shown-text.ts';
import type { PendingApproval } from '../runs/approval-ports.ts';

/** Runs a program to its end and answers what it wrote; rejects when it fails or `signal` aborts. */
export type RunProgram = (file: string, args: readonly string[], signal: AbortSignal) => Promise<string>;

/**
 * Asks the owner in a window of macOS. What a model wrote goes in as arguments and never as part of the script. Answers
 * `undefined` where nobody answered, or where the question is too long for a window: `runmesh approvals` shows it whole.
 */
export async function askByDialog(
  pending: PendingApproval,
  { run, leftMs, over }: { run: RunProgram; leftMs: number; over: AbortSignal },
): Promise<'once' | 'run' | 'no' | undefined> {
  const words = wordsOf(pending);
  if (words.length > MOST_UNITS || words.split('\n').length > MOST_LINES) {
    await run(OSASCRIPT, ['-e', NOTIFY, oneLine(pending.agent)], over);
    return undefined;
  }
  const seconds = Math.max(1, Math.floor(leftMs / 1_000));
  const script = pending.forRun ? dialog('"Allow for this run", ') : dialog('');
  const answer = await run(OSASCRIPT, ['-e', script, words, String(seconds)], over);
  return ANSWERS.get(answer.trim());
}

function wordsOf({ agent, tool, what, workdir, reason, opens }: PendingApproval): string {
  const where =
    opens === 'outside_sandbox'
      ? 'OUTSIDE the sandbox, with all that you may do yourself'
      : 'inside the sandbox';
  return [
    `The agent "${oneLine(agent)}" asks to run ${where}:`,
    tool === 'exec_command' ? what : `${tool} ${what}`,
    `Folder: ${workdir === '.' ? 'the workspace' : oneLine(workdir)}`,
    ...(reason === null ? [] : [`It says: ${oneLine(reason)}`]),
  ].join('\n\n');
}

/** Only the command itself may have lines: a name with some could look like another question. */
function oneLine(text: string): string {
  return showExactly(text).replace(/\s+/g, ' ').slice(0, MOST_LINE_UNITS);
}

const OSASCRIPT = '/usr/bin/osascript';
/** The button that lets something happen is never the one that Return presses. */
const dialog = (more: string) => `on run argv
  set answer to display dialog (item 1 of argv) with title "RunMesh" buttons {${more}"Allow once", "Deny"} default button "Deny" with icon caution giving up after ((item 2 of argv) as integer)
  if gave up of answer then return "gave up"
  return button returned of answer
end run`;
const NOTIFY = `on run argv
  display notification "A question is too long for a window. See: runmesh approvals" with title "RunMesh" subtitle (item 1 of argv)
end run`;
const ANSWERS = new Map<string, 'once' | 'run' | 'no'>([
  ['Allow once', 'once'],
  ['Allow for this run', 'run'],
  ['Deny', 'no'],
]);
/** What a window shows without scrolling, and without what matters lying below the screen's end. */
const MOST_UNITS = 1_500;
const MOST_LINES = 25;
const MOST_LINE_UNITS = 500;
