import type { ApprovalRequest } from '../../protocol/approvals.ts';
import { clean, cleanLine } from './clean.ts';

/** What a run asks its owner, whole: a yes is to what is shown. */
export function questionLines(question: ApprovalRequest): string[] {
  const { tool, what, workdir, reason, opens, prefix } = question;
  const outside = opens === 'outside_sandbox';
  return [
    outside
      ? '  asks to run OUTSIDE the sandbox, with all that you may do yourself:'
      : '  asks to run, inside the sandbox:',
    ...clean(tool === 'exec_command' ? what : `${tool} ${what}`)
      .split('\n')
      .map((line) => `    ${line}`),
    `  in ${workdir === '.' ? 'the workspace' : cleanLine(workdir)}`,
    ...(reason === null ? [] : [`  because, it says: ${cleanLine(reason)}`]),
    ...(prefix === null
      ? []
      : [
          `  always would allow ${outside ? 'exactly this' : 'every command that begins'}: ${cleanLine(prefix.join(' '))}`,
        ]),
  ];
}
