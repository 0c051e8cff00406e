import { existsSync, statSync } from 'node:fs';
import type { Findings } from '../control/contract.ts';
import { readConfig } from '../device/config.ts';
import { loadKeychain } from '../device/keychain.ts';
import { loadKeychainApart } from '../device/keychain-apart.ts';
import { acquireLock } from '../device/lock.ts';
import { openNetwork } from '../device/network.ts';
import { type DevicePaths, devicePaths } from '../device/paths.ts';
import { SECRET_TROUBLES, type SecretStore } from '../device/secret-store.ts';
import { openSecrets } from '../device/secrets.ts';
import { examineDevice } from '../doctor/doctor.ts';
import type { DoctorWorld } from '../doctor/world.ts';
import type { Journal } from '../journal/journal.ts';
import { isoTime, systemClock } from '../kit/clock.ts';
import { codeOf, isRunmeshError, messageOf } from '../kit/errors.ts';
import type { Finding } from '../kit/finding.ts';
import { checkDatabase, checkOpenDatabase } from '../kit/sqlite.ts';
import { systemProgram } from '../leash/system-program.ts';
import { createRunCommand } from '../service/run-command.ts';
import type { Credentials } from './credentials.ts';
import type { OpenedDevice, World } from './open-device.ts';
import { programFolders, whyNoRunIn } from './run-workspace.ts';
import { whyUnconfined } from './sandbox-here.ts';

/** What the running daemon sees, with its own rights and its own journal. */
export async function examineFromDaemon(
  device: OpenedDevice,
  journal: Journal,
  world: World,
  credentials: Credentials | undefined,
): Promise<Findings> {
  const { paths, network, clock, secrets } = device;
  // A daemon without a link ends: this one waits for its secrets.
  const apiKey = credentials?.apiKey ?? null;
  const doctor = { ...base(world, device), network, clock, apiKey, secretStore: secrets.kind };
  return {
    asService: world.env.RUNMESH_SERVICE !== undefined,
    findings: await examineDevice({
      ...doctor,
      lookAtJournal: async () => lookAtOpenJournal(paths, journal),
    }),
  };
}

/** The same from a process of its own, where no daemon runs. What cannot even be opened is the one thing found. */
export async function examineWithoutDaemon(world: World): Promise<Finding[]> {
  const paths = devicePaths(world.env, world.platform, world.homedir);
  try {
    const config = readConfig(paths);
    const network = await openNetwork(config, world.env);
    const secrets = await openSecrets({ paths, env: world.env, platform: world.platform });
    const { apiKey, unread } = await readApiKey(secrets);
    const found = await examineDevice({
      ...base(world, { paths, config }),
      network,
      clock: systemClock,
      apiKey,
      secretStore: secrets.kind,
      lookAtJournal: async () => lookAtClosedJournal(paths),
    });
    return [...unread, ...found];
  } catch (error) {
    if (!isRunmeshError(error)) throw error;
    return [{ code: error.code, title: 'This device', severity: 'fault', says: error.message }];
  }
}

/** A store may keep what the doctor tries it with, and yet refuse an item that another Node made. */
async function readApiKey(
  secrets: SecretStore,
): Promise<{ apiKey: DoctorWorld['apiKey']; unread: readonly Finding[] }> {
  try {
    return { apiKey: await secrets.get('apiKey'), unread: [] };
  } catch (error) {
    const code = SECRET_TROUBLES.find((trouble) => isRunmeshError(error, trouble));
    if (code === undefined) throw error;
    return { apiKey: null, unread: [{ code, title: 'Secrets', severity: 'fault', says: messageOf(error) }] };
  }
}

function base(
  { env, platform, homedir }: World,
  { paths, config }: Pick<DoctorWorld, 'paths' | 'config'>,
): Omit<DoctorWorld, 'network' | 'clock' | 'apiKey' | 'secretStore' | 'lookAtJournal'> {
  const places = { config, paths, homedir, platform, program: programFolders() };
  return {
    paths,
    config,
    env,
    platform,
    homedir,
    nodeFile: process.execPath,
    run: createRunCommand(env),
    // Away from the Mac a daemon may know a Secret Service that is gone, and which process asks does not matter there.
    loadKeychain: platform === 'darwin' ? loadKeychain : loadKeychainApart,
    whyUnconfined: () => whyUnconfined(platform),
    systemProgram,
    whyNoRunIn: (workspace) => whyNoRunIn(places, workspace),
  };
}

/** The check reads the whole file, and the daemon waits for it: a large journal is left to a daemon at rest. */
function lookAtOpenJournal(paths: DevicePaths, journal: Journal): Finding {
  if (journal.setAside !== undefined) {
    return {
      code: 'journal_set_aside',
      title: 'Journal',
      severity: 'warning',
      says: `It was damaged and begun anew; the old one is ${journal.setAside}. Runs of before are not known here.`,
      todo: 'Keep that file until you miss nothing; look at the disk’s health.',
    };
  }
  const bytes = statSync(paths.journal).size;
  if (bytes > MOST_CHECKED_BYTES)
    return healthy(`Open, ${megabytes(bytes)} MB; too large to check while it is in use.`);
  return judge(checkOpenDatabase(journal.db), paths.journal);
}

function lookAtClosedJournal(paths: DevicePaths): Finding {
  if (!existsSync(paths.journal)) return healthy('None yet.');
  try {
    // Nobody else may open the file meanwhile.
    const lock = acquireLock(paths, { pid: process.pid, startedAt: isoTime(systemClock.now()) });
    try {
      return judge(checkDatabase(paths.journal), paths.journal);
    } finally {
      lock.release();
    }
  } catch (error) {
    if (codeOf(error) === 'already_running')
      return healthy('In use by a daemon that does not answer; not checked.');
    return judge(messageOf(error), paths.journal);
  }
}

function judge(verdict: string, path: string): Finding {
  if (verdict === 'ok') return healthy(`${path} is sound, ${megabytes(statSync(path).size)} MB.`);
  return {
    code: 'journal_damaged',
    title: 'Journal',
    severity: 'fault',
    says: `${path} is damaged (${verdict}).`,
    todo: 'Restart the daemon: it sets the file aside and begins a new one. Look at the disk’s health.',
  };
}

function healthy(says: string): Finding {
  return { code: 'journal', title: 'Journal', severity: 'ok', says };
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

const MOST_CHECKED_BYTES = 200_000_000;
