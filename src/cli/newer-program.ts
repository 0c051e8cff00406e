import { pathToFileURL } from 'node:url';
import { codeOf, isRunmeshError } from '../kit/errors.ts';
import { isPreferred, readCurrent } from '../service/versions/versions.ts';
import type { CliContext } from './context.ts';
import { pathsOf } from './device-world.ts';

/**
 * The program that `runmesh update` put beside this one, where it goes before it: `runmesh` on the PATH stays what npm
 * installed, and hands over. A place that cannot be trusted is as good as none; `doctor` says what is wrong with it.
 */
export function findNewerProgram(context: CliContext): string | undefined {
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
