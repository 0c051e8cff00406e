import { join } from 'node:path';
import type { DeviceConfig, MeshPin } from '../device/config-schema.ts';
import { openLogFile } from '../device/log-file.ts';
import { normalizeMeshUrl } from '../device/mesh-http.ts';
import { type Network, openNetwork } from '../device/network.ts';
import { type DevicePaths, devicePaths, prepareFolders } from '../device/paths.ts';
import type { SecretStore } from '../device/secret-store.ts';
import { openSecrets } from '../device/secrets.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import { createLog, type Log } from '../kit/log.ts';
import { type Random, systemRandom } from '../kit/random.ts';
import { readVersion } from '../kit/version.ts';
import { type GrowingRedactor, growingRedactor } from './growing-redactor.ts';
import { liveConfig, type Reloaded } from './live-config.ts';
import { ownSecrets } from './own-secrets.ts';

/** Where a device's program finds itself. */
export interface World {
  env: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
  homedir: string;
  hostname: string;
  /** Ends this process at once. */
  leave(code: number): void;
}

/** A linked device: what it is, and what it knows of itself. Its secrets are in the store, which may be locked. */
export interface OpenedDevice {
  paths: DevicePaths;
  /** Live: read it when it is needed, never copy it. */
  config: DeviceConfig;
  reloadConfig(): Reloaded;
  mesh: MeshPin;
  secrets: SecretStore;
  /** The store as it is now: what is held of `secrets` may have been replaced by another process. */
  reopenSecrets(): Promise<SecretStore>;
  network: Network;
  hostname: string;
  version: string;
  clock: Clock;
  random: Random;
  log: Log;
  /** Knows what must never be told. */
  redactor: GrowingRedactor;
}

/** Reads what this device is. Throws `not_linked`, and what config and secrets throw. */
export async function openDevice({ env, platform, homedir, hostname }: World): Promise<OpenedDevice> {
  const paths = devicePaths(env, platform, homedir);
  prepareFolders(paths);
  const { config, reload } = liveConfig(paths);
  const secrets = await openSecrets({ paths, env, platform });
  if (config.mesh === undefined) {
    throw new RunmeshError(
      'not_linked',
      'This device is not linked to an account. Run `runmesh link` first.',
    );
  }
  // The file may say something else by now than what its owner agreed to when the device was linked.
  normalizeMeshUrl(config.mesh.url, config.mesh.insecure ?? false);
  const redactor = growingRedactor(ownSecrets(env, config));
  const destination = openLogFile({
    file: join(paths.logs, 'daemon.log'),
    maxBytes: config.logs.maxMegabytes * MEGABYTE,
    kept: config.logs.kept,
  });
  const log = createLog({ level: config.logLevel, destination, mask: redactor.text });
  return {
    paths,
    config,
    reloadConfig: () => {
      const reloaded = reload();
      log.level = config.logLevel;
      redactor.learn(ownSecrets(env, config));
      log.info(reloaded, 'the config was read again');
      return reloaded;
    },
    mesh: config.mesh,
    secrets,
    reopenSecrets: () => openSecrets({ paths, env, platform }),
    hostname,
    network: await openNetwork(config, env),
    version: readVersion(),
    clock: systemClock,
    random: systemRandom,
    log,
    redactor,
  };
}

const MEGABYTE = 1_048_576;
