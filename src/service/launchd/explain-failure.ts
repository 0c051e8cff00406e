import type { LaunchdJob } from './launchctl.ts';

/** What is known when `bootstrap` has failed. */
export interface BootstrapFacts {
  exitCode: number;
  /** What the domain has under our label now. */
  job: LaunchdJob | undefined;
  disabled: boolean;
  /** What is wrong with the property list, in words; undefined where nothing is. */
  fileFault: string | undefined;
  domainThere: boolean;
}

/**
 * Why `bootstrap` failed. launchd answers 5, "Input/output error", for at least four things that have nothing in common
 * but what to do about each; 37 says that the label is still being ended, and 125 that the domain takes no jobs.
 */
export type BootstrapCause = 'draining' | 'loaded' | 'disabled' | 'bad_file' | 'no_session' | 'unknown';

export function explainBootstrapFailure(facts: BootstrapFacts): BootstrapCause {
  const { exitCode, job, disabled, fileFault, domainThere } = facts;
  if (!domainThere || exitCode === UNSUPPORTED || exitCode === OTHER_SESSION) return 'no_session';
  if (exitCode === IN_PROGRESS || (job !== undefined && /^SIG/.test(job.state))) return 'draining';
  if (job !== undefined) return 'loaded';
  if (fileFault !== undefined) return 'bad_file';
  if (disabled) return 'disabled';
  return 'unknown';
}

const IN_PROGRESS = 37;
const UNSUPPORTED = 125;
const OTHER_SESSION = 134;
