import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../../kit/clock.ts';
import { RunmeshError } from '../../kit/errors.ts';
import type { RunCommand } from '../run-command.ts';
import { type BootstrapCause, explainBootstrapFailure } from './explain-failure.ts';
import type { Launchctl } from './launchctl.ts';
import { faultOfPlist } from './write-plist.ts';

export interface LoaderOptions {
  launchctl: Launchctl;
  run: RunCommand;
  clock: Clock;
  file: string;
}

export interface Loader {
  /** Loads the property list and starts the job anew, or says why the domain would not have it. */
  load(domain: string): Promise<LoadOutcome>;
  /** The same; an unwilling domain is `service_not_loaded`. */
  loadOrThrow(domain: string): Promise<void>;
  /** Has launchd end the job, and waits until it is gone. */
  unload(domain: string): Promise<void>;
}

/** `no_session`: the domain is not there. `unexplained`: it is, and refuses for no reason that can be found. */
export type LoadOutcome = 'loaded' | 'no_session' | 'unexplained';

/** Loading and unloading as something that has happened when it returns. */
export function createLoader({ launchctl, run, clock, file }: LoaderOptions): Loader {
  const until = async (done: () => Promise<boolean>, ms: number): Promise<boolean> => {
    const deadline = clock.monotonic() + ms;
    while (!(await done())) {
      if (clock.monotonic() >= deadline) return false;
      await clock.sleep(POLL_MS);
    }
    return true;
  };

  const unload = async (domain: string): Promise<void> => {
    await launchctl.bootout(domain);
    const gone = await until(async () => (await launchctl.readJob(domain)) === undefined, endMs(file));
    if (gone) return;
    throw new RunmeshError(
      'service_not_stopped',
      `launchd has not ended ${domain}'s job in ${endMs(file) / 1_000} s. \`runmesh service status\` says what it is doing; try again.`,
      { retryable: true },
    );
  };

  /** A job that is loaded already: its process drains first, since `kickstart -k` gives it no time to. */
  const startAnew = async (domain: string): Promise<void> => {
    if ((await launchctl.readJob(domain))?.pid) {
      await launchctl.terminate(domain);
      await until(async () => !(await launchctl.readJob(domain))?.pid, endMs(file));
    }
    await launchctl.kickstart(domain);
  };

  const causeOf = async (domain: string, exitCode: number): Promise<BootstrapCause> => {
    return explainBootstrapFailure({
      exitCode,
      job: await launchctl.readJob(domain),
      disabled: await launchctl.isDisabled(domain),
      fileFault: faultOfPlist(file) ?? (await lint(run, file)),
      domainThere: await launchctl.hasDomain(domain),
    });
  };

  const load = async (domain: string): Promise<LoadOutcome> => {
    // A disabled override of an earlier life would fail the bootstrap, with the error that says nothing.
    await launchctl.enable(domain);
    if (await launchctl.readJob(domain)) {
      await startAnew(domain);
      return 'loaded';
    }
    for (let attempt = 1; ; attempt += 1) {
      const { exitCode } = await launchctl.bootstrap(domain, file);
      if (exitCode === 0) return 'loaded';
      const cause = await causeOf(domain, exitCode);
      if (cause === 'no_session') return cause;
      if (cause === 'loaded') {
        await startAnew(domain);
        return 'loaded';
      }
      if (attempt >= MOST_ATTEMPTS && cause === 'unknown') return 'unexplained';
      if (cause === 'bad_file' || attempt >= MOST_ATTEMPTS) throw await refused(domain, cause);
      if (cause === 'disabled') await launchctl.enable(domain);
      else await until(async () => (await launchctl.readJob(domain)) === undefined, endMs(file));
      // The label can be busy for a moment longer than it is shown.
      await clock.sleep(RETRY_MS);
    }
  };

  const refused = async (domain: string, cause: BootstrapCause): Promise<RunmeshError> => {
    const fault = faultOfPlist(file) ?? (await lint(run, file));
    const why: Record<BootstrapCause, string> = {
      bad_file: `the property list is refused: ${fault}`,
      disabled: `it is disabled and stays so; run: launchctl enable ${domain}/ai.runmesh.agent`,
      draining: 'the last one is still being ended; try again in a minute',
      loaded: 'it is loaded already',
      no_session: `${domain} takes no jobs: log in at the screen once, then try again`,
      unknown:
        'it is neither disabled, nor still being ended, nor is its property list at fault, and the domain is there; log out and in again, or restart this Mac',
    };
    return new RunmeshError('service_not_loaded', `launchd refuses the service: ${why[cause]}.`, {
      details: { cause },
    });
  };

  return {
    load,
    unload,
    loadOrThrow: async (domain) => {
      const outcome = await load(domain);
      if (outcome === 'no_session') throw await refused(domain, outcome);
      if (outcome === 'unexplained') throw await refused(domain, 'unknown');
    },
  };
}

/** What macOS's own reader says against the file, in words; undefined where it says nothing, or is not there. */
async function lint(run: RunCommand, file: string): Promise<string | undefined> {
  try {
    const { exitCode, stdout, stderr } = await run('plutil', ['-lint', file]);
    return exitCode === 0 ? undefined : (stdout || stderr).trim().split('\n')[0];
  } catch {
    return undefined;
  }
}

/** Until launchd has killed a job that does not end by itself: the file's `ExitTimeOut`, and what comes around it. */
function endMs(file: string): number {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const seconds = /<key>ExitTimeOut<\/key>\s*<integer>(\d+)/.exec(text)?.[1];
  return (Number(seconds ?? 45) + 15) * 1_000;
}

const POLL_MS = 200;
const RETRY_MS = 1_000;
const MOST_ATTEMPTS = 4;
