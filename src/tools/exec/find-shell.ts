import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { RunmeshError } from '../../kit/errors.ts';

export interface ShellChoice {
  /** The call's, as the model wrote it. */
  asked: string | undefined;
  /** The owner's, from the config. */
  configured: string | undefined;
  /** `$SHELL` of the daemon; where it is gone, the system's own takes its place. */
  own: string | undefined;
  /** PATH of the command, for a bare name, and its folder, for a path that is not whole. */
  path: string | undefined;
  cwd: string;
}

/**
 * The shell of a command, which must be there: a pty would only say 127 and name a file of ours. Throws `shell_missing`.
 */
export function findShell({ asked, configured, own, path = '', cwd }: ShellChoice): string {
  const folders = path.split(':').filter(isAbsolute);
  const isThere = (shell: string) =>
    shell.includes('/')
      ? isProgram(resolve(cwd, shell))
      : folders.some((folder) => isProgram(join(folder, shell)));
  const wanted = asked ?? configured;
  if (wanted === undefined) return own !== undefined && isThere(own) ? own : DEFAULT_SHELL;
  if (isThere(wanted)) return wanted;
  throw new RunmeshError(
    'shell_missing',
    asked === undefined
      ? `The shell that this computer is set to, ${wanted}, is not there, so nothing was run. Its owner sets another with \`runmesh config set shell ${DEFAULT_SHELL}\`.`
      : `There is no shell ${wanted} here, so nothing was run. Leave \`shell\` out, or name one that is installed.`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Both macOS and Linux have it. */
const DEFAULT_SHELL = '/bin/bash';
