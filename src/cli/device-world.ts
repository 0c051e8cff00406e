import { growingRedactor } from '../daemon/growing-redactor.ts';
import { ownSecrets } from '../daemon/own-secrets.ts';
import { type Audit, openAudit } from '../device/audit/audit.ts';
import { readConfig } from '../device/config.ts';
import { type Network, openNetwork } from '../device/network.ts';
import { type DevicePaths, devicePaths } from '../device/paths.ts';
import type { CliContext } from './context.ts';

/** The device that this command speaks for. */
export function pathsOf({ env, platform, homedir }: CliContext): DevicePaths {
  return devicePaths(env, platform, homedir);
}

/** The way out of this machine, as this device's config and the environment have it. */
export function networkOf(context: CliContext): Promise<Network> {
  return openNetwork(readConfig(pathsOf(context)), context.env);
}

/** The record of what was done on this device, what its config and the environment hold of secrets left out. */
export function openAuditOf(context: CliContext): Audit {
  const { clock, random, env } = context;
  const paths = pathsOf(context);
  const { text } = growingRedactor(ownSecrets(env, readConfig(paths)));
  return openAudit({ path: paths.audit, clock, random, mask: text });
}
