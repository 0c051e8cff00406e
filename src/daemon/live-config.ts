import { isDeepStrictEqual } from 'node:util';
import { readConfig } from '../device/config.ts';
import type { DeviceConfig } from '../device/config-schema.ts';
import type { DevicePaths } from '../device/paths.ts';

/** What reading the config again came to: keys in effect from now on, and keys that wait for the next start. */
export interface Reloaded {
  applied: string[];
  restart: string[];
}

export interface LiveConfig {
  /** The config in effect. Its values change under whoever holds it: read them when they are needed, never copy them. */
  readonly config: DeviceConfig;
  /** Reads the file again. Throws `config_invalid` and leaves everything as it was. */
  reload(): Reloaded;
}

export function liveConfig(paths: Pick<DevicePaths, 'config'>): LiveConfig {
  const config = readConfig(paths);
  return {
    config,
    reload: () => {
      const now = readConfig(paths);
      const keys = [...new Set([...Object.keys(config), ...Object.keys(now)])] as (keyof DeviceConfig)[];
      const changed = keys.filter((key) => !isDeepStrictEqual(config[key], now[key]));
      const restart = changed.filter((key) => AT_START.has(key));
      const applied = changed.filter((key) => !AT_START.has(key));
      for (const key of applied) {
        delete config[key];
        if (now[key] !== undefined) Object.assign(config, { [key]: now[key] });
      }
      return { applied, restart };
    },
  };
}

/** What the start opens something by: the link, the way there, the log's files. */
const AT_START: ReadonlySet<keyof DeviceConfig> = new Set(['mesh', 'network', 'maxAttempts', 'logs']);
