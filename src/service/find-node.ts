import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { RunmeshError } from '../kit/errors.ts';
import type { RunCommand } from './run-command.ts';

/**
 * The Node that the service runs: this process's own binary, under a name that outlives an upgrade, with the options it
 * knows. Throws `node_is_a_script` for a version manager's shim, which would find another Node, or none, in a service.
 */
export async function findNode(
  execPath: string,
  run: RunCommand,
): Promise<{ path: string; options: readonly string[] }> {
  const path = stablePath(realpathSync(execPath));
  if (isScript(path)) {
    throw new RunmeshError(
      'node_is_a_script',
      `${path} is a script that starts Node, not Node itself; a service would not find what it starts. Run this with the real binary: "$(node -p process.execPath)".`,
    );
  }
  const { exitCode } = await run(path, [NO_INSPECTOR_SIGNAL, '--eval', '0']);
  return { path, options: exitCode === 0 ? [NO_INSPECTOR_SIGNAL] : [] };
}

/**
 * Homebrew keeps each version in a folder of its own (`Cellar/node/22.1.0`) that the next upgrade deletes, and a link to
 * the newest (`opt/node`) that stays. The link is taken where it leads to the very same binary.
 */
function stablePath(realPath: string): string {
  const match = /^(.*)\/Cellar\/([^/]+)\/[^/]+\/(.+)$/.exec(realPath);
  if (match === null) return realPath;
  const [, prefix, formula, rest] = match;
  const link = `${prefix}/opt/${formula}/${rest}`;
  try {
    return realpathSync(link) === realPath ? link : realPath;
  } catch {
    return realPath;
  }
}

function isScript(path: string): boolean {
  const head = Buffer.alloc(2);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, 2, 0);
  } finally {
    closeSync(fd);
  }
  return head.toString('latin1') === '#!';
}

/** Shuts the inspector that SIGUSR1 opens to every process of this user. A Node that does not know the option dies of it. */
const NO_INSPECTOR_SIGNAL = '--disable-sigusr1';
