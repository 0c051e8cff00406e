import { type BigIntStats, lstatSync } from 'node:fs';

/**
 * What stands at a socket's path; undefined where nothing does. Asked for in big integers: after a plain synchronous
 * stat of a socket, Node's own `realpathSync` stops at the next folder it knows (it looks at the stale mode of that
 * stat, lib/fs.js), and a package that is imported then through a link (as pnpm lays them out) is loaded under a
 * second name.
 */
export function lookAtSocket(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}
