import { chmodSync, existsSync, lstatSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DevicePaths } from '../device/paths.ts';
import { type ServiceDefinition, serviceLog } from '../service/definition.ts';
import type { Service } from '../service/ports.ts';
import { findSpawnHelper } from './native-modules.ts';

export interface RepairWorld {
  paths: DevicePaths;
  service: Service;
  definition: ServiceDefinition;
}

/** Does one repair that a finding named, and answers what it did; undefined for one it does not know. */
export async function repair(world: RepairWorld, fix: string): Promise<string | undefined> {
  return REPAIRS[fix]?.(world);
}

/** Each is safe to do without asking: nothing is lost by it, and doing it twice changes nothing more. */
const REPAIRS: Readonly<Record<string, (world: RepairWorld) => Promise<string>>> = {
  reinstall: async ({ service, definition }) => {
    await service.install(definition);
    return 'The service was installed anew.';
  },
  private_files: async ({ paths }) => {
    for (const path of [paths.home, paths.logs, paths.secrets]) takeFromOthers(path, 0o077);
    return 'Our files and folders are for their owner alone again.';
  },
  agents_folder: async ({ service }) => {
    takeFromOthers(dirname(service.file), 0o022);
    return `${dirname(service.file)} can be written by its owner alone again.`;
  },
  spawn_helper_mode: async () => {
    const helper = findSpawnHelper();
    if (helper !== undefined) chmodSync(helper, 0o755);
    return 'spawn-helper may be executed again.';
  },
  empty_service_log: async ({ paths }) => {
    truncateSync(serviceLog(paths));
    return `${serviceLog(paths)} was emptied.`;
  },
};

function takeFromOthers(path: string, bits: number): void {
  if (existsSync(path)) chmodSync(path, lstatSync(path).mode & 0o777 & ~bits);
}
