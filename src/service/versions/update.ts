import { join } from 'node:path';
import semver from 'semver';
import { acquireLock } from '../../device/lock.ts';
import type { DevicePaths } from '../../device/paths.ts';
import { type Clock, isoTime } from '../../kit/clock.ts';
import { isRunmeshError, messageOf, RunmeshError } from '../../kit/errors.ts';
import { type InstallVersionOptions, installVersion, resolveVersion } from './install-version.ts';
import { type JournalAfter, markBackups, putBackJournal } from './put-back-journal.ts';
import { pruneVersions, switchTo } from './switch-version.ts';
import { isPreferred, readCurrent } from './versions.ts';

export interface UpdateOptions extends InstallVersionOptions {
  paths: DevicePaths;
  clock: Clock;
  /** The version of the program at hand. */
  ownVersion: string;
  allowDowngrade: boolean;
  /**
   * Has the service run what `current` now leads to (the program at hand where it leads nowhere), and returns when a daemon
   * of this version has registered. Throws where none does. Undefined where there is no service to start.
   */
  startService: ((version: string) => Promise<void>) | undefined;
  /** Has the system end the daemon and start it no more. */
  stopService(): Promise<void>;
  /** Each step, as it begins. */
  say(step: string): void;
}

export interface UpdateOutcome {
  from: string;
  to: string;
  changed: boolean;
}

/**
 * Installs a version beside the old one, switches, has the daemon drain and start as the new one, and goes back by itself
 * where that does not register. Runs under way go on in whichever version there is. Throws `update_rolled_back` when it
 * went back, and `update_failed` where even that did not work.
 */
export async function updateDevice(options: UpdateOptions): Promise<UpdateOutcome> {
  const { paths, clock } = options;
  const files = { lock: join(paths.home, 'update.lock'), pid: join(paths.home, 'update.pid') };
  try {
    const lock = acquireLock(files, { pid: process.pid, startedAt: isoTime(clock.now()) });
    try {
      return await updateLocked(options);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!isRunmeshError(error, 'already_running')) throw error;
    throw new RunmeshError(
      'update_under_way',
      `Another update (pid ${error.details.pid}) is under way. Wait until it is done.`,
      { cause: error },
    );
  }
}

async function updateLocked(options: UpdateOptions): Promise<UpdateOutcome> {
  const { paths, ownVersion, startService, say } = options;
  const before = readCurrent(paths);
  // One that was installed by other means since, and is newer, is what runs.
  const from = before !== undefined && isPreferred(before, ownVersion) ? before.version : ownVersion;
  const known = await resolveVersion(options);
  if (known !== undefined) assertAllowed(from, known, options);
  if (known === from) return { from, to: from, changed: false };
  say(`Installing ${known ?? 'it'} beside ${from} …`);
  const { version: to } = await installVersion(options);
  assertAllowed(from, to, options);
  if (to === from && to === before?.version) return { from, to, changed: false };

  const backups = markBackups(paths);
  switchTo(paths, to, { pinned: semver.lt(to, ownVersion) });
  if (startService !== undefined) {
    say(`Starting ${to}; the daemon finishes its steps first …`);
    try {
      await startService(to);
    } catch (error) {
      switchTo(paths, before?.version, { pinned: before?.pinned ?? false });
      await goBack(options, backups, { from, to, why: messageOf(error) });
    }
  }
  pruneVersions(paths, [to, before?.version]);
  return { from, to, changed: true };
}

function assertAllowed(from: string, to: string, { allowDowngrade }: UpdateOptions): void {
  if (allowDowngrade || !semver.lt(to, from)) return;
  throw new RunmeshError(
    'downgrade_refused',
    `${to} is older than ${from}, which runs here; an older version may not read what a newer one wrote. If you mean it: --allow-downgrade`,
  );
}

async function goBack(
  options: UpdateOptions,
  backups: ReadonlySet<string>,
  { from, to, why }: { from: string; to: string; why: string },
): Promise<never> {
  const { startService, say } = options;
  say(`${to} does not work; going back to ${from} …`);
  let journal: JournalAfter | undefined;
  try {
    journal = await afterIt(options, backups);
    await startService?.(from);
  } catch (error) {
    const next = journal === 'kept' ? KEPT : 'Run `runmesh doctor --fix`.';
    throw new RunmeshError(
      'update_failed',
      `${to} does not work (${why}), and going back to ${from} did not either: ${messageOf(error)} ${next}`,
      { cause: error, details: { from, to, journal } },
    );
  }
  const putBack = journal === 'put_back' ? ' Its change of the journal was undone; nothing was lost.' : '';
  throw new RunmeshError(
    'update_rolled_back',
    `${to} did not work, so ${from} runs again and is registered.${putBack} What happened: ${why}`,
    { details: { from, to, journal } },
  );
}

/** What the version that failed made of the journal, which can be looked at once its daemon has ended. */
async function afterIt(
  { paths, clock, stopService, say }: UpdateOptions,
  backups: ReadonlySet<string>,
): Promise<JournalAfter> {
  const made = [...markBackups(paths)].some((mark) => !backups.has(mark));
  if (!made) return 'untouched';
  await stopService();
  const journal = putBackJournal(paths, backups, clock);
  if (journal === 'put_back') say('It had changed the journal’s layout and nothing in it; that is undone.');
  return journal;
}

const KEPT =
  'The newer version changed the journal’s layout and committed to it, so no older one reads it: update to that version or a later one again, when it works.';
