import { acquireLock } from '../device/lock.ts';
import { type Journal, openJournal } from '../journal/journal.ts';
import { isoTime } from '../kit/clock.ts';
import { createModels } from '../models/models.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { Credentials } from './credentials.ts';
import { type OpenedAudit, openDeviceAudit } from './open-audit.ts';
import type { OpenedDevice, World } from './open-device.ts';
import { createRunHost, type OpenedHost } from './run-host.ts';

/** What executing runs on this machine takes, with or without a link: the lock, the journal, and the rooms of a run. */
export interface Executor extends Pick<OpenedHost, 'host' | 'toolbox' | 'warm'> {
  journal: Journal;
  audit: RecordAudit;
  startedAt: string;
  close(): Promise<void>;
}

/** Throws `already_running` where another process executes this device's runs; nothing stays open then. */
export function openExecutor(
  device: OpenedDevice,
  world: World,
  credentials: () => Credentials | undefined,
): Executor {
  const { paths, config, clock, random, log, mesh, redactor } = device;
  const { fetch } = device.network;
  const { env, platform } = world;
  const startedAt = isoTime(clock.now());
  const lock = acquireLock(paths, { pid: process.pid, startedAt });
  // What a death does, and no more: the next process reads what is true and goes on from there.
  const onFailed = (error: Error) => {
    log.fatal({ reason: error.message }, 'the journal failed');
    world.leave(1);
  };
  let journal: Journal | undefined;
  let audit: OpenedAudit;
  try {
    journal = openJournal({ path: paths.journal, clock, random, log, onFailed });
    audit = openDeviceAudit(device, credentials);
  } catch (error) {
    journal?.close();
    lock.release();
    throw error;
  }
  const opened = journal;
  const models = createModels({
    env,
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
    env,
    platform,
    models,
    fetch,
    redactor,
    clock,
    random,
    log,
  });
  return {
    host,
    toolbox,
    warm,
    journal: opened,
    audit: audit.record,
    startedAt,
    close: async () => {
      await close();
      await audit.close();
      opened.close();
      lock.release();
    },
  };
}
