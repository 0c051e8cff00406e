import { type DevicePaths, devicePaths } from '../device/paths.ts';
import type { CliContext } from './context.ts';

/** The device that this command speaks for. */
export function pathsOf({ env, platform, homedir }: CliContext): DevicePaths {
  return devicePaths(env, platform, homedir);
}
