import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import type { DevicePaths } from './paths.ts';
import { replaceFile } from './replace-file.ts';

/** Why this device's link ended for good. It is told while no daemon runs, which would otherwise be asked. */
export const lastStop = z.object({
  deviceId: z.string(),
  /** A stop reason of the link: `revoked`, `auth`, `stranger` … */
  why: z.string(),
  /** The same for a person. */
  reason: z.string(),
  at: z.string(),
});
export type LastStop = z.infer<typeof lastStop>;

export function recordStop(paths: Pick<DevicePaths, 'stopped'>, stop: LastStop): void {
  replaceFile(paths.stopped, `${JSON.stringify(stop)}\n`);
}

/** Linked anew, or connected: what was is over. */
export function forgetStop({ stopped }: Pick<DevicePaths, 'stopped'>): void {
  rmSync(stopped, { force: true });
}

/** Undefined also where the file cannot be read: it decides nothing. */
export function readStop({ stopped }: Pick<DevicePaths, 'stopped'>, deviceId: string): LastStop | undefined {
  try {
    const stop = lastStop.parse(JSON.parse(readFileSync(stopped, 'utf8')));
    return stop.deviceId === deviceId ? stop : undefined;
  } catch {
    return undefined;
  }
}
