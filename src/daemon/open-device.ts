import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../device/config.ts';
import type { DeviceConfig, MeshPin } from '../device/config-schema.ts';
import { type Identity, readIdentity } from '../device/identity.ts';
import { type Network, openNetwork } from '../device/network.ts';
import { type DevicePaths, devicePaths, prepareFolders } from '../device/paths.ts';
import { openSecrets, type SecretStore } from '../device/secrets.ts';
import { createRedactor, type Redactor } from '../guard/redact.ts';
import { type Clock, systemClock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import { createLog, type Log } from '../kit/log.ts';
import { type Random, systemRandom } from '../kit/random.ts';
import { readVersion } from '../kit/version.ts';
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

/** A linked device: what it is, and what it knows of itself. */
export interface OpenedDevice {
  paths: DevicePaths;
  config: DeviceConfig;
  mesh: MeshPin;
  identity: Identity;
  apiKey: string;
  secrets: SecretStore;
  network: Network;
  label: string;
  version: string;
  clock: Clock;
  random: Random;
  log: Log;
  /** Knows what must never be told. */
  redactor: Redactor;
}

/** Reads what this device is. Throws `not_linked`, and what config and secrets throw. */
export async function openDevice({ env, platform, homedir, hostname }: World): Promise<OpenedDevice> {
  const paths = devicePaths(env, platform, homedir);
  prepareFolders(paths);
  const config = readConfig(paths);
  const secrets = await openSecrets({ paths, env, platform });
  const [privateKey, apiKey] = [await secrets.get('privateKey'), await secrets.get('apiKey')];
  if (config.mesh === undefined || privateKey === undefined || apiKey === undefined) {
    throw new RunmeshError(
      'not_linked',
      'This device is not linked to an account. Run `runmesh link` first.',
    );
  }
  const redactor = createRedactor(ownSecrets({ privateKey, apiKey, env, config }));
  mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  const destination = pino.destination({ dest: join(paths.logs, 'daemon.log'), sync: false, mkdir: true });
  return {
    paths,
    config,
    mesh: config.mesh,
    identity: readIdentity(privateKey),
    apiKey,
    secrets,
    network: await openNetwork(config, env),
    label: config.deviceLabel ?? hostname,
    version: readVersion(),
    clock: systemClock,
    random: systemRandom,
    log: createLog({ level: config.logLevel, destination, mask: redactor.text }),
    redactor,
  };
}
