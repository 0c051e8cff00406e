import type { ApprovalOpens } from '../../protocol/approvals.ts';

/** What the owner allows without being asked again: commands that begin with these words; beyond the sandbox, only these. */
export interface AlwaysRule {
  prefix: readonly string[];
  opens: ApprovalOpens;
}

/**
 * What "always" would allow for a command of plain words: the program and its sub-command where it has some, else exactly this
 * command. `null` where that would be no rule at all: shells, wrappers and interpreters run whatever comes after them, and a
 * program named by a path may be another one tomorrow. Beyond the sandbox it is exactly this command, and only where its words say
 * all: most programs do what the folder they work in says, or a file that is named, and a run can change those.
 */
export function prefixFor(words: readonly string[], opens: ApprovalOpens): string[] | null {
  const [program, sub, third] = words;
  if (program === undefined || program.includes('/') || RUNS_ANYTHING.test(program)) return null;
  if (opens === 'outside_sandbox') return saysAll(program, words.slice(1)) ? [...words] : null;
  if (!RUNS_THE_FOLDER.has(program) && !HAS_SUBCOMMANDS.has(program)) return [...words];
  if (sub === undefined || !SUBCOMMAND.test(sub) || RUNS_ANYTHING.test(sub))
    return words.length === 1 ? [program] : null;
  if (!RUNS_SCRIPTS.has(sub)) return [program, sub];
  return third !== undefined && SUBCOMMAND.test(third) ? [program, sub, third] : null;
}

export function isAllowed(
  words: readonly string[] | undefined,
  opens: ApprovalOpens,
  rules: readonly AlwaysRule[],
): boolean {
  return words !== undefined && rules.some((rule) => rule.opens === opens && covers(rule, words));
}

/**
 * Beyond the sandbox one more word may be another file to write or another address to send to, so there a rule is for the very
 * command that was shown.
 */
export function covers({ prefix, opens }: AlwaysRule, words: readonly string[]): boolean {
  return beginsWith(words, prefix) && (opens === 'nothing' || words.length === prefix.length);
}

function saysAll(program: string, args: readonly string[]): boolean {
  return (SAYS_ALL.get(program)?.test(args.join(' ')) ?? false) && !args.some((arg) => NAMES_MORE.test(arg));
}

function beginsWith(words: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length > 0 && prefix.every((word, index) => words[index] === word);
}

const SUBCOMMAND = /^[a-z][a-z0-9:_-]*$/;
/** Whatever stands after these is run, or may be by one of their options. */
const RUNS_ANYTHING =
  /^(?:(?:ba|z|da|k|c|tc|fi|a)?sh|env|nice|nohup|timeout|gtimeout|xargs|busybox|toybox|sudo|doas|su|ssh|script|stdbuf|setsid|unbuffer|watch|parallel|ionice|chrt|taskset|flock|strace|ltrace|gdb|lldb|expect|tmux|screen|at|batch|crontab|launchctl|osascript|open|xdg-open|find|fd|awk|gawk|mawk|nawk|sed|perl|ruby|php|lua|tclsh|python[0-9.]*|pypy[0-9.]*|node|nodejs|deno|bun|bunx|npx|pnpx|uvx|pipx|tsx|ts-node|java|jshell|R|Rscript|swift|vi|vim|nvim|emacs|ed|ex|nano|less|more|man|rg|sort|split|tar|cpio|zip|rsync|scp|sftp|exec|dlx)$/;
/** These run code that the folder they work in names. */
const RUNS_THE_FOLDER: ReadonlySet<string> = new Set(
  'ant bazel bundle cargo cmake composer docker docker-compose dotnet git go gradle just make meson mix mvn ninja npm pip pip3 pnpm poetry pytest rake rustc sbt task tox uv xcodebuild yarn vitest jest tsc eslint'.split(
    ' ',
  ),
);
const HAS_SUBCOMMANDS: ReadonlySet<string> = new Set(
  'aws az brew gcloud gh helm kubectl terraform'.split(' '),
);
/** Commands that look, or install what their words name, wherever they are run. */
const SAYS_ALL: ReadonlyMap<string, RegExp> = new Map([
  ['aws', /^[a-z0-9-]+ (?:ls|list-[a-z-]+|describe-[a-z-]+)(?: |$)/],
  ['az', /^(?:[a-z-]+ )+(?:list|show)(?: |$)/],
  ['brew', /^(?:info|install|list|outdated|search|update|upgrade)(?: |$)/],
  ['defaults', /^read(?: |$)/],
  ['df', /^/],
  ['docker', /^(?:images|inspect|logs|ps|stats|version)(?: |$)/],
  ['gcloud', /^(?:[a-z-]+ )+(?:describe|list)(?: |$)/],
  ['gh', /^(?:issue|pr|release|repo|run|workflow) (?:checks|list|status|view)(?: |$)/],
  ['helm', /^(?:history|list|status)(?: |$)/],
  ['host', /^/],
  ['kubectl', /^(?:cluster-info|describe|get|logs|top|version)(?: |$)/],
  ['lsof', /^/],
  ['mdfind', /^/],
  ['nslookup', /^/],
  ['pbpaste', /^/],
  ['ping', /^/],
  ['ps', /^/],
  ['sw_vers', /^/],
  ['systemctl', /^(?:--user )?(?:is-active|list-timers|list-units|status)(?: |$)/],
]);
/** A file, or settings by which a program may run another one. */
const NAMES_MORE = /[/@]|file|config|plugin/i;
const RUNS_SCRIPTS: ReadonlySet<string> = new Set([
  'run',
  'run-script',
  'compose',
  'tool',
  'remote',
  'config',
]);
