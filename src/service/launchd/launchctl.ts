import { RunmeshError } from '../../kit/errors.ts';
import type { CommandResult, RunCommand } from '../run-command.ts';

/** A job as launchd has it. */
export interface LaunchdJob {
  pid: number | null;
  lastExitCode: number | null;
  /** `running`, `not running`, `spawn scheduled`, `SIGTERMed` while it is being ended … */
  state: string;
}

/** launchctl's modern verbs for one label; never `load` and `unload`, which guess the domain and hide failures. */
export interface Launchctl {
  hasDomain(domain: string): Promise<boolean>;
  readJob(domain: string): Promise<LaunchdJob | undefined>;
  isDisabled(domain: string): Promise<boolean>;
  /** Where that fails, `bootstrap` will say so. */
  enable(domain: string): Promise<void>;
  /** Answers however it ended: a failure has many causes, which the caller tells apart. */
  bootstrap(domain: string, file: string): Promise<CommandResult>;
  /** Returns at once, and also where nothing was loaded: whether the job is gone only `readJob` says. */
  bootout(domain: string): Promise<void>;
  /** Starts it; a running one is killed first. */
  kickstart(domain: string): Promise<void>;
  terminate(domain: string): Promise<void>;
}

export function createLaunchctl(run: RunCommand, label: string): Launchctl {
  const must = async (...args: string[]): Promise<void> => {
    const result = await run('launchctl', args);
    if (result.exitCode !== 0) throw failed(args, result);
  };
  return {
    hasDomain: async (domain) => {
      const args = ['print', domain];
      const result = await run('launchctl', args);
      if (result.exitCode === 0) return true;
      if (NO_DOMAIN.includes(result.exitCode)) return false;
      throw failed(args, result);
    },
    readJob: async (domain) => {
      const args = ['print', `${domain}/${label}`];
      const result = await run('launchctl', args);
      if (result.exitCode === 0) return parseJob(result.stdout);
      if (result.exitCode === NO_SERVICE || NO_DOMAIN.includes(result.exitCode)) return undefined;
      throw failed(args, result);
    },
    isDisabled: async (domain) => {
      const { exitCode, stdout } = await run('launchctl', ['print-disabled', domain]);
      return exitCode === 0 && isListedDisabled(stdout, label);
    },
    enable: async (domain) => {
      await run('launchctl', ['enable', `${domain}/${label}`]);
    },
    bootstrap: (domain, file) => run('launchctl', ['bootstrap', domain, file]),
    bootout: async (domain) => {
      await run('launchctl', ['bootout', `${domain}/${label}`]);
    },
    kickstart: (domain) => must('kickstart', '-k', `${domain}/${label}`),
    terminate: async (domain) => {
      await run('launchctl', ['kill', 'SIGTERM', `${domain}/${label}`]);
    },
  };
}

/** `launchctl print` is written for people and is no interface, so everything but the job's being there may be unknown. */
function parseJob(text: string): LaunchdJob {
  const field = (name: string) => new RegExp(`^\\s*${name} = (.+)$`, 'm').exec(text)?.[1];
  const number = (value: string | undefined) => {
    // `last exit code = 78: EX_CONFIG`: some have their name behind them.
    const digits = /^(\d+)\b/.exec(value ?? '')?.[1];
    return digits === undefined ? null : Number(digits);
  };
  return {
    pid: number(field('pid')),
    lastExitCode: number(field('last exit code')),
    state: field('state') ?? 'unknown',
  };
}

/** `"label" => disabled` today, `"label" => true` before macOS 13. */
function isListedDisabled(text: string, label: string): boolean {
  const line = text.split('\n').find((one) => one.includes(`"${label}"`));
  return line !== undefined && /=>\s*(disabled|true)\b/.test(line);
}

function failed(args: readonly string[], { exitCode, stderr, stdout }: CommandResult): RunmeshError {
  const said = (stderr || stdout).trim().split('\n')[0] ?? '';
  return new RunmeshError(
    'launchctl_failed',
    `\`launchctl ${args.join(' ')}\` failed with ${exitCode}${said && `: ${said}`}. \`runmesh doctor\` looks for the reason.`,
    { details: { exitCode } },
  );
}

const NO_SERVICE = 113;
/** 112: no such domain. 125: it is there and refuses everything, as `gui/…` does without a login at the screen. */
const NO_DOMAIN: readonly number[] = [112, 125];
