import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeOf, isRunmeshError, messageOf } from '../kit/errors.ts';
import { isPreferred, readCurrent, versionPaths } from '../service/versions/versions.ts';
import type { CliContext } from './context.ts';
import { pathsOf } from './device-world.ts';

/**
 * Hands over to the program that `runmesh update` put beside this one, where it goes before it: `runmesh` on the PATH stays
 * what npm installed. Answers whether it did. One whose files are damaged cannot even begin: this one then does the work and
 * says so, since a device must not be left without a command.
 */
export async function handOver(context: CliContext): Promise<boolean> {
  const newer = findNewerProgram(context);
  if (newer === undefined) return false;
  try {
    await import(newer);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError) && codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    const { current } = versionPaths(pathsOf(context));
    context.stderr.write(
      `The version at ${fileURLToPath(newer)} is damaged (${messageOf(error)}), so this is ${context.version}. Remove ${current}, then run \`runmesh update\`.\n`,
    );
    return false;
  }
}

/** A place that cannot be trusted is as good as none; `doctor` says what is wrong with it. */
function findNewerProgram(context: CliContext): string | undefined {
  try {
    const current = readCurrent(pathsOf(context));
    // The same version is this program itself, or as good.
    if (current === undefined || current.version === context.version) return undefined;
    return isPreferred(current, context.version) ? pathToFileURL(current.program).href : undefined;
  } catch (error) {
    // Also where the home itself is no folder: what needs it says so.
    if (isRunmeshError(error) || codeOf(error, '') !== '') return undefined;
    throw error;
  }
}
