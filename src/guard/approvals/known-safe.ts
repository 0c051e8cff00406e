/**
 * Whether these words only read, whatever their arguments. The list is short on purpose: programs that some argument makes
 * run another one, or write (`find -exec`, `rg --pre`, `sort --compress-program`, `tar --checkpoint-action`, `man -P`, `sed w`),
 * are not on it, and neither is `git`, whose every command may run what the repository's config names.
 */
export function isKnownSafe([program, ...args]: readonly string[]): boolean {
  const forbidden = program === undefined ? undefined : SAFE_PROGRAMS.get(program);
  return forbidden !== undefined && !args.some((arg) => forbidden.test(arg));
}

const NOTHING = /(?!)/;
/** Each with the arguments that make it do more than read. */
const SAFE_PROGRAMS: ReadonlyMap<string, RegExp> = new Map([
  ['basename', NOTHING],
  ['cat', NOTHING],
  ['cmp', NOTHING],
  ['cut', NOTHING],
  // Options may be shortened (`--se`) and joined (`-us`), so those that only show are named.
  ['date', /^(?!\+|-[uR]$|--utc$|-I(date|hours|minutes|seconds|ns)?$)/],
  ['df', NOTHING],
  ['dirname', NOTHING],
  ['du', NOTHING],
  ['echo', NOTHING],
  ['false', NOTHING],
  ['grep', NOTHING],
  ['head', NOTHING],
  ['id', NOTHING],
  ['ls', NOTHING],
  ['nl', NOTHING],
  ['od', NOTHING],
  ['pwd', NOTHING],
  ['readlink', NOTHING],
  ['realpath', NOTHING],
  ['sha256sum', NOTHING],
  ['stat', NOTHING],
  ['tail', NOTHING],
  ['true', NOTHING],
  ['uname', NOTHING],
  ['wc', NOTHING],
  ['which', NOTHING],
  ['whoami', NOTHING],
]);
