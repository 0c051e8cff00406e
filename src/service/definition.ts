import { dirname, join } from 'node:path';
import type { DeviceConfig } from '../device/config-schema.ts';
import type { DevicePaths } from '../device/paths.ts';
import { RunmeshError } from '../kit/errors.ts';

/** What the system is to run, and how. All paths are absolute. */
export interface ServiceDefinition {
  label: string;
  /** Node's own binary, its options, the program, `daemon`. */
  command: readonly string[];
  environment: Readonly<Record<string, string>>;
  folder: string;
  /** What is said before the log is open, and a crash's last words. */
  outputFile: string;
  /** Between SIGTERM and SIGKILL. */
  exitTimeOutSeconds: number;
}

export interface DefinitionParts {
  paths: DevicePaths;
  config: Pick<DeviceConfig, (typeof INSTALLED_CONFIG)[number]>;
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  /** From `findNode`. */
  node: { path: string; options: readonly string[] };
  /** The compiled `cli/main.js`. */
  program: string;
}

/**
 * The daemon's service. It inherits nothing of the shell that installs it but where the device's state is: no PATH of a
 * version manager, no keys (a property list is no place for a secret; `runmesh keys` is).
 */
export function defineService({
  paths,
  config,
  platform,
  env,
  node,
  program,
}: DefinitionParts): ServiceDefinition {
  const socketElsewhere = dirname(paths.socket) !== paths.home;
  const kept = [...STATE_VARIABLES, ...(socketElsewhere ? ['TMPDIR', 'XDG_RUNTIME_DIR'] : [])];
  const utf8 = /utf-?8/i.test(env.LANG ?? '') ? env.LANG : undefined;
  const definition = {
    label: SERVICE_LABEL,
    command: [node.path, ...node.options, program, 'daemon'],
    environment: {
      PATH: platform === 'darwin' ? MAC_PATH : LINUX_PATH,
      // Neither launchd nor systemd sets one, and commands then mangle what is not ASCII.
      LANG: utf8 ?? (platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'),
      RUNMESH_SERVICE: SERVICE_LABEL,
      ...Object.fromEntries(kept.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
    },
    folder: paths.home,
    outputFile: serviceLog(paths),
    exitTimeOutSeconds: Math.max(LEAST_EXIT_SECONDS, Math.ceil(config.drainMs / 1_000) + AFTER_DRAIN_SECONDS),
  };
  assertOneLine([...definition.command, ...Object.values(definition.environment), paths.home, paths.logs]);
  return definition;
}

/** A line end would begin a line of its own in a unit, and XML has no way to write most control characters. */
function assertOneLine(texts: readonly (string | undefined)[]): void {
  const bad = texts.find((text) => /[\x00-\x1f\x7f]/.test(text ?? ''));
  if (bad === undefined) return;
  throw new RunmeshError(
    'service_value_invalid',
    `${JSON.stringify(bad)} has a control character in it, which no service can be given. Move it to a plain path.`,
  );
}

export function serviceLog({ logs }: Pick<DevicePaths, 'logs'>): string {
  return join(logs, 'service.log');
}

export const SERVICE_LABEL = 'ai.runmesh.agent';

/** What a definition is made from: a service goes by what this was when it was installed, whatever its daemon reads anew. */
export const INSTALLED_CONFIG = ['drainMs'] as const satisfies readonly (keyof DeviceConfig)[];

/** What says where this device's state is. Without them a service would open another, unlinked home. */
const STATE_VARIABLES = ['RUNMESH_HOME', 'RUNMESH_SECRETS', 'XDG_STATE_HOME'];

/** Homebrew's two prefixes first, as in its own shells, then the system's. Literal: launchd expands nothing. */
const MAC_PATH = '/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
const LINUX_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const LEAST_EXIT_SECONDS = 45;
/** What comes after a drain: commands are ended, last acknowledgements awaited, the journal closed. */
const AFTER_DRAIN_SECONDS = 25;
