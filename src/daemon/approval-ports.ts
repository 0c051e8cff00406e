import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { configHash } from '../device/audit/note-config.ts';
import { setConfig } from '../device/config.ts';
import { judgeCall } from '../guard/approvals/judge-call.ts';
import { subjectOf } from '../guard/approvals/subject.ts';
import { messageOf, RunmeshError } from '../kit/errors.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { ApprovalPorts } from '../runs/approval-ports.ts';
import type { Runs } from '../runs/ports.ts';
import { askByDialog, type RunProgram } from './ask-by-dialog.ts';
import type { OpenedDevice, World } from './open-device.ts';

/** What this device and its owner say about calls that need a word of theirs. */
export function approvalPorts(
  device: Pick<OpenedDevice, 'config' | 'paths' | 'clock' | 'log' | 'reloadConfig'>,
  { platform, homedir }: Pick<World, 'platform' | 'homedir'>,
  audit: RecordAudit,
  answer: Runs['answerApproval'],
): ApprovalPorts {
  const { config, paths, clock, log } = device;
  return {
    judge: (call) => judgeCall(call, config.approvals),
    subjectOf: (ask, workspace) => subjectOf(ask, workspace, homedir),
    get timeoutMs() {
      return config.approvals.timeoutMs;
    },
    get mostAsked() {
      return config.approvals.mostAsked;
    },
    allowAlways: ({ prefix, opens }) => {
      try {
        setConfig(paths, 'approvals.allow', [...config.approvals.allow, { prefix: [...prefix], opens }]);
        device.reloadConfig();
      } catch (error) {
        throw unwritable(paths.config, error);
      }
      audit('config', {
        verb: 'allow',
        key: 'approvals.allow',
        value: JSON.stringify({ prefix, opens }),
        configHash: configHash(paths),
      });
    },
    onAsked: (pending, over) => {
      log.info({ runId: pending.runId, approvalId: pending.approvalId }, 'a run asks its owner');
      if (platform !== 'darwin' || !config.approvals.dialog) return;
      const leftMs = Date.parse(pending.expiresAt) - clock.now();
      askByDialog(pending, { run: runProgram, leftMs, over })
        .then((decision) => decision && answer(pending.approvalId, { decision }, 'dialog'))
        // Nobody at the screen, or no screen: the other ways to answer remain.
        .catch(
          (error) =>
            over.aborted ||
            log.warn({ reason: messageOf(error) }, 'the owner could not be asked in a window'),
        );
    },
  };
}

function unwritable(file: string, error: unknown): RunmeshError {
  return new RunmeshError(
    'config_unwritable',
    `The rule could not be kept in ${file}, so nothing was answered: ${messageOf(error)} Mend that, or allow the call once or for this run.`,
    { cause: error },
  );
}

/** The same in a process without a daemon and without a terminal, where nobody could answer: a question is a no at once. */
export function unaskedPorts(ports: ApprovalPorts): ApprovalPorts {
  return {
    ...ports,
    judge: (call) => {
      const judged = ports.judge(call);
      return judged.verdict === 'ask' ? { verdict: 'refuse', why: NOBODY } : judged;
    },
  };
}

const runProgram: RunProgram = async (file, args, signal) => {
  const { stdout } = await promisify(execFile)(file, [...args], { signal, env: {} });
  return stdout;
};

const NOBODY =
  'The owner of this computer would have to be asked, and there is neither a daemon nor a terminal here that could ask them. Nothing was run.';
