import type { Clock } from '../kit/clock.ts';
import { RunmeshError } from '../kit/errors.ts';
import type { ServiceDefinition } from './definition.ts';
import type { RunCommand } from './run-command.ts';

/**
 * The daemon as a service of the logged-in user. Every verb may be said twice: the second time it finds everything as it
 * should be. What a verb answers are sentences a person should know; that the daemon really registered with its mesh is
 * for the caller to wait for, since only the daemon knows.
 */
export interface Service {
  readonly manager: ServiceManager;
  /** The file that the system reads. */
  readonly file: string;
  /** What `install` would write to `file` on this machine, as far as can be said without asking the system. */
  render(definition: ServiceDefinition): string;
  /** Writes the file and starts the service anew; repairs one that was disabled, stale or half loaded. */
  install(definition: ServiceDefinition): Promise<string[]>;
  uninstall(): Promise<string[]>;
  start(): Promise<string[]>;
  /** Until the next login, or `start`. The daemon drains; this returns when it is gone. */
  stop(): Promise<string[]>;
  /** The daemon drains, ends and is started again. */
  restart(): Promise<string[]>;
  status(): Promise<ServiceState>;
  /** What `file` says; undefined where it is not there. */
  installed(): InstalledService | undefined;
}

export interface InstalledService {
  command: readonly string[];
  /** The home of the device it was installed for; empty where the file is damaged and does not say. */
  folder: string;
  /** The whole file, without what depends on where a login is. */
  text: string;
}

export type ServiceManager = 'launchd' | 'systemd';

export interface ServiceState {
  installed: boolean;
  /** Known to the system, so that it starts it again when it dies. */
  loaded: boolean;
  /** A lasting order of the user's not to start it. */
  disabled: boolean;
  running: boolean;
  pid: number | null;
  /** Of the last process that ended; null where none has, or a signal ended it. */
  lastExitCode: number | null;
  /** `gui/501`, `user/501`, `systemd --user`; null where it is not loaded. */
  domain: string | null;
}

export interface ServiceOptions {
  platform: NodeJS.Platform;
  homedir: string;
  uid: number;
  env: Readonly<Record<string, string | undefined>>;
  run: RunCommand;
  clock: Clock;
}

/** What every verb but `install` and `uninstall` throws where there is nothing to act on. */
export function notInstalled(file: string): RunmeshError {
  return new RunmeshError(
    'service_not_installed',
    `The service is not installed (there is no ${file}). Run \`runmesh service install\` first.`,
  );
}

/** How the last process ended, in words; undefined where none has. */
export function tellLastExit(
  manager: ServiceManager,
  { lastExitCode }: Pick<ServiceState, 'lastExitCode'>,
): string | undefined {
  if (lastExitCode === null) return undefined;
  if (!wasUnstartable(manager, lastExitCode)) return `its last process exited with ${lastExitCode}`;
  return 'launchd could not start it: its program, its folder or its log cannot be used (78, EX_CONFIG)';
}

/** launchd notes EX_CONFIG for a job that it could not even start. Our daemon never exits with that. */
export function wasUnstartable(manager: ServiceManager, lastExitCode: number | null): boolean {
  return manager === 'launchd' && lastExitCode === EX_CONFIG;
}

const EX_CONFIG = 78;
