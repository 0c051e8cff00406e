import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock, type DaemonLock, type LockHolder } from '../device/lock.ts';
import { ownFolder } from '../device/paths.ts';
import { runFolder } from '../guard/run-folder.ts';
import { openWithBallast } from '../journal/ballast.ts';
import { type Journal, openJournal } from '../journal/journal.ts';
import { listUnfinished } from '../journal/read-run.ts';
import { isoTime } from '../kit/clock.ts';
import { removeNoted } from '../leash/left-names.ts';
import { createModels } from '../models/models.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import { closeEach } from './close-each.ts';
import type { Credentials } from './credentials.ts';
import { type OpenedAudit, openDeviceAudit } from './open-audit.ts';
import type { OpenedDevice, World } from './open-device.ts';
import { createRunHost, type OpenedHost } from './run-host.ts';
import { programFolders } from './run-workspace.ts';

/** What executing runs on this machine takes, with or without a link: the lock, the journal, and the rooms of a run. */
export interface Executor extends Pick<OpenedHost, 'host' | 'toolbox' | 'warm'> {
  journal: Journal;
  audit: RecordAudit;
  sendAudit(): void;
  startedAt: string;
  close(): Promise<void>;
}

/**
 * Throws `already_running` where another process executes this device's runs, and `disk_full` where there is no space even
 * to start; nothing stays open then.
 */
export function openExecutor(
  device: OpenedDevice,
  world: World,
  credentials: () => Credentials | undefined,
): Executor {
  const { paths, config, clock, random, log, mesh, redactor } = device;
  const { fetch } = device.network;
  const { env, platform } = world;
  const startedAt = isoTime(clock.now());
  // What a death does, and no more: the next process reads what is true and goes on from there.
  const onFailed = (error: Error) => {
    log.fatal({ reason: error.message }, 'the journal failed');
    world.leave(1);
  };
  const { lock, journal, audit } = openWithBallast(paths.journal, () =>
    openFiles(device, { pid: process.pid, startedAt }, onFailed, credentials),
  );
  const storedKey = (provider: string) => credentials()?.keys.get(provider);
  const models = createModels({
    env,
    storedKey,
    clock,
    random,
    fetch,
    get config() {
      return config.models;
    },
    get proxy() {
      const apiKey = credentials()?.apiKey;
      return apiKey === undefined ? undefined : { url: mesh.url, apiKey };
    },
  });
  const { host, toolbox, warm, close } = createRunHost({
    config,
    paths,
    env,
    homedir: world.homedir,
    platform,
    program: programFolders(),
    models,
    storedKey,
    fetch,
    redactor,
    audit: audit.record,
    clock,
    random,
    log,
  });
  return {
    host,
    toolbox,
    warm,
    journal,
    audit: audit.record,
    sendAudit: audit.send,
    startedAt,
    close: () =>
      closeEach(log, {
        leash: close,
        audit: audit.close,
        temporary: () => {
          sweepRunFolders(paths.temporary, journal);
          if (readdirSync(paths.temporary).length === 0) rmdirSync(paths.temporary);
        },
        journal: () => journal.close(),
        lock: () => lock.release(),
      }),
  };
}

/** All of them, or none. */
function openFiles(
  device: OpenedDevice,
  holder: LockHolder,
  onFailed: (error: Error) => void,
  credentials: () => Credentials | undefined,
): { lock: DaemonLock; journal: Journal; audit: OpenedAudit } {
  const { paths, clock, random, log } = device;
  const lock = acquireLock(paths, holder);
  let journal: Journal | undefined;
  try {
    journal = openJournal({ path: paths.journal, clock, random, log, onFailed });
    sweepRunFolders(paths.temporary, journal);
    return { lock, journal, audit: openDeviceAudit(device, credentials) };
  } catch (error) {
    journal?.close();
    lock.release();
    throw error;
  }
}

/**
 * Takes away what runs and helpers, of a process that was killed perhaps, left in the temporary folder. The folder is
 * looked at first: in a shared one its name may lead to somebody else's.
 */
function sweepRunFolders(temporary: string, journal: Journal): void {
  ownFolder(temporary);
  const kept = new Set(listUnfinished(journal).map(({ runId }) => runFolder(temporary, runId)));
  for (const name of readdirSync(temporary)) {
    const path = join(temporary, name);
    if (kept.has(path)) continue;
    removeNoted(path);
    rmSync(path, { recursive: true, force: true });
  }
}
